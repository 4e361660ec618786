#!/usr/bin/env bash
# Builds every image of Gatehouse but the agent's (agent.sh): gatehouse/{log-sink,dns-resolver,egress-proxy,secrets-gateway,sandbox}; named, also
# demo-origin, the internet of the demo.
#   build.sh [--base IMAGE] [--tag TAG] [NAME…]
# With --base the services carry their own runtime (self-contained), so that any glibc image does; without, they stand on Microsoft's ASP.NET image.
# Environment: GATEHOUSE_ENGINE (docker | podman). `sandbox` takes gatehouse and gatehouse-init from artifacts/publish, and publishes them when they are not there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
engine=${GATEHOUSE_ENGINE:-docker}
base= tag=latest
declare -A projects=([log-sink]=LogSink [dns-resolver]=DnsResolver [egress-proxy]=EgressProxy [secrets-gateway]=SecretsGateway [demo-origin]=DemoOrigin)
names=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --base) base=${2:?--base wants an image}; shift 2 ;;
    --tag) tag=${2:?--tag wants a tag}; shift 2 ;;
    sandbox) names+=("$1"); shift ;;
    *) [[ -n ${projects[$1]:-} ]] || { echo "build.sh: '$1' is not known: --base IMAGE, --tag TAG, ${!projects[*]} sandbox" >&2; exit 64; }
       names+=("$1"); shift ;;
  esac
done
[[ ${#names[@]} -gt 0 ]] || names=(log-sink dns-resolver egress-proxy secrets-gateway sandbox)
if [[ $engine == docker ]] && ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
quietly() { "$@" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; echo "build.sh: $name: '$1 $2' failed" >&2; exit 70; }; }
for name in "${names[@]}"; do
  number=$((number + 1)) start=$SECONDS
  echo "[$number/${#names[@]}] gatehouse/$name:$tag"
  arguments=()
  [[ -z $base ]] || arguments+=(--build-arg "BASE=$base")
  mkdir "$work/$name"
  if [[ $name == sandbox ]]; then
    for program in AgentSandbox/release/gatehouse EnclosureInit/release/gatehouse-init; do
      [[ -x $root/artifacts/publish/$program ]] || quietly dotnet publish "$root/services/${program%%/*}" -c Release -v q -p:RunAnalyzers=false
      cp "$root/artifacts/publish/$program" "$work/$name/"
    done
    file=$here/services/sandbox.Dockerfile
  else
    project=${projects[$name]} source=$root/services/${projects[$name]} publish=(-c Release -v q -maxcpucount:1 -p:RunAnalyzers=false -p:DebugType=none -o "$work/$name") entry="dotnet Gatehouse.${projects[$name]}.dll"
    if [[ -n $base ]]; then
      case $(uname -m) in aarch64) rid=linux-arm64 ;; *) rid=linux-x64 ;; esac
      publish+=(--self-contained -r "$rid") entry=./Gatehouse.$project
    fi
    [[ $name != demo-origin ]] || source=$root/examples/demo/Origin
    quietly dotnet publish "$source" "${publish[@]}"
    arguments+=(--build-arg "SERVICE=$name" --build-arg "ENTRY=$entry")
    file=$here/services/Dockerfile
  fi
  quietly "$engine" build --tag "gatehouse/$name:$tag" --file "$file" --network host "${arguments[@]}" "$work/$name"
  echo "      $((SECONDS - start)) s, $("$engine" image inspect --format '{{.Size}}' "gatehouse/$name:$tag" | numfmt --to=iec)"
done
