# Sourced by test.sh: container engines for the tests, on private paths, and an image made without a registry. 'stop_engines' takes all of it back.

engines=/tmp/gatehouse-engines
GATEHOUSE_TEST_IMAGE=$PWD/artifacts/test-image.tar
DOCKER_HOST=unix://$engines/docker.sock
export GATEHOUSE_TEST_IMAGE DOCKER_HOST

need_engines() {
    need dockerd:docker.io docker-compose:docker-compose podman:podman runc:runc crun:crun newuidmap:uidmap /usr/lib/podman/netavark:netavark iptables:iptables debootstrap:debootstrap nsenter:util-linux
}

start_engines() {
    mkdir -p "$engines"
    if [ ! -s "$GATEHOUSE_TEST_IMAGE" ]; then
        echo 'Making the image for the tests of containers' >&2
        rm -rf --one-file-system "$engines/root" # Of a run that was cut off.
        mkdir -p "$engines/root"
        debootstrap --variant=minbase --include=bash,git,curl,ca-certificates,procps,dnsutils,python3-minimal,util-linux,iproute2 bookworm "$engines/root" >"$engines/debootstrap.log" 2>&1 ||
            { tail -5 "$engines/debootstrap.log" >&2; return 1; }
        tar -C "$engines/root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists --exclude=./usr/share/doc --exclude=./usr/share/locale --exclude='./dev/*' -cf "$GATEHOUSE_TEST_IMAGE.new" .
        mv "$GATEHOUSE_TEST_IMAGE.new" "$GATEHOUSE_TEST_IMAGE"
        rm -rf "$engines/root"
    fi
    dockerd --data-root "$engines/data" --exec-root "$engines/exec" --pidfile "$engines/pid" --host "$DOCKER_HOST" --bridge=none --iptables=false >"$engines/log" 2>&1 &
    for _ in {1..150}; do
        docker info >/dev/null 2>&1 && break
        sleep 0.2
    done
    # Whoever may use the socket is root; the folder above it is this machine's tests' alone.
    chmod 666 "$engines/docker.sock"
    docker import "$GATEHOUSE_TEST_IMAGE" gatehouse/test:1 >/dev/null
    podman import --quiet "$GATEHOUSE_TEST_IMAGE" gatehouse/test:1 >/dev/null
    # Rootless Podman wants a name for its user, and ids to map.
    getent passwd 1900002000 >/dev/null || groupadd --gid 1900002000 gatehouse-tests 2>/dev/null; useradd --uid 1900002000 --no-create-home --gid 1900002000 --shell /usr/sbin/nologin gatehouse-tests 2>/dev/null
    for file in /etc/subuid /etc/subgid; do
        grep -q '^gatehouse-tests:' "$file" 2>/dev/null || echo 'gatehouse-tests:1900100000:65536' >>"$file"
    done
}

stop_engines() {
    podman rmi --force gatehouse/test:1 >/dev/null 2>&1
    if [ -s "$engines/pid" ]; then
        local daemon
        daemon=$(cat "$engines/pid")
        kill "$daemon" 2>/dev/null
        for _ in {1..300}; do
            kill -0 "$daemon" 2>/dev/null || break
            sleep 0.1
        done
    fi
    # The daemon leaves the mount of its own network namespace, and that of its folder when it was cut off.
    local point
    findmnt --noheadings --raw --output TARGET | grep "^$engines/" | sort -r | while read -r point; do umount "$point" 2>/dev/null || umount --lazy "$point"; done
    userdel gatehouse-tests 2>/dev/null
    sed -i '/^gatehouse-tests:/d' /etc/subuid /etc/subgid 2>/dev/null
    rm -rf --one-file-system "$engines"
}
