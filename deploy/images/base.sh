#!/usr/bin/env bash
# Makes a base image from a Debian mirror, for machines that reach no image registry: everything in this folder builds on it with --base.
#   base.sh [--force] [IMAGE]        default gatehouse/base:bookworm; skipped when it is there and was made by this same script
# Environment: GATEHOUSE_ENGINE (docker | podman), GATEHOUSE_MIRROR (default: the first Debian mirror that this machine's apt uses).
# Needs root (chroot) and debootstrap.
set -euo pipefail

force=
if [[ ${1:-} == --force ]]; then force=1; shift; fi
image=${1:-gatehouse/base:bookworm}
engine=${GATEHOUSE_ENGINE:-docker}
suite=bookworm
fail() { echo "base.sh: $1" >&2; exit "${2:-69}"; }

command -v "$engine" >/dev/null || fail "$engine is not installed: install it, or set GATEHOUSE_ENGINE"
"$engine" version >/dev/null 2>&1 || fail "$engine does not answer: start it, or set DOCKER_HOST"

# The recipe is part of the name's meaning: an edited script makes a new base, an unchanged one costs nothing.
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-16)
if [[ -z $force && $("$engine" image inspect --format '{{index .Config.Labels "dev.gatehouse.recipe"}}' "$image" 2>/dev/null) == "$recipe" ]]; then
  echo "base.sh: $image is up to date"
  exit 0
fi
command -v debootstrap >/dev/null || fail "debootstrap is not installed: apt-get install debootstrap"
[[ $(id -u) == 0 ]] || fail "debootstrap needs root: run it with sudo" 77

# The file may not be there (newer machines have only the folder), and sed may end early: neither is an error.
mirror=${GATEHOUSE_MIRROR:-$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
  sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *(https?:[^ ]*\/debian)\/?( .*)?$/\3/p' | sed -n 1p)}
mirror=${mirror:-http://deb.debian.org/debian}
root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
start=$SECONDS

# dpkg reads these only once it runs inside: what debootstrap itself unpacks is trimmed below.
mkdir -p "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/apt/apt.conf.d"
cat >"$root/etc/dpkg/dpkg.cfg.d/gatehouse" <<'END'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
END
cat >"$root/etc/apt/apt.conf.d/gatehouse" <<'END'
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::Languages "none";
Acquire::Retries "3";
END
echo "base.sh: $suite from $mirror"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keyring ]] || fail "$keyring is not there: apt-get install debian-archive-keyring"
debootstrap --variant=minbase --keyring="$keyring" --force-check-gpg --include=ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -5 "$root.log" >&2; fail "debootstrap failed (log: $root.log): is $mirror reachable?"; }
rm -f "$root.log"

# Security fixes are part of a base; a mirror without that archive is no reason to have no base.
security=${mirror%/debian}/debian-security
printf 'deb %s %s main\ndeb %s %s-updates main\n' "$mirror" "$suite" "$mirror" "$suite" >"$root/etc/apt/sources.list"
if curl -fsI "$security/dists/$suite-security/InRelease" >/dev/null 2>&1; then
  echo "deb $security $suite-security main" >>"$root/etc/apt/sources.list"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  chroot "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y -qq' >"$root.log" 2>&1 ||
    { tail -5 "$root.log" >&2; fail "security updates failed (log: $root.log)"; }
  rm -f "$root.log"
else
  echo "base.sh: $security is not reachable: the base has no security updates" >&2
fi

# Nothing of this machine or this minute stays behind: the same packages give the same files.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
  "$root"/usr/share/{doc,man,info,locale,lintian}/* "$root"/var/cache/ldconfig/* "$root"/tmp/* "$root"/dev/* \
  "$root"/etc/{hostname,resolv.conf,machine-id}
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
: >"$root/etc/machine-id"
epoch=$(stat -c %Y "$root/var/lib/dpkg/info/base-files.list")
epoch=${SOURCE_DATE_EPOCH:-$(date -u -d "$(date -u -d "@$epoch" +%F)" +%s)}
tar -C "$root" --sort=name --numeric-owner --mtime="@$epoch" --xattrs -c . |
  "$engine" import --change "LABEL dev.gatehouse.recipe=$recipe" \
    --change 'LABEL org.opencontainers.image.title="Gatehouse base"' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'CMD ["bash"]' - "$image" >/dev/null
echo "base.sh: $image made in $((SECONDS - start)) s ($("$engine" image inspect --format '{{.Size}}' "$image" | numfmt --to=iec))"
