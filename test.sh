#!/bin/bash
# Installs what is missing, builds, runs every test, and ends with 'N passed, N failed'.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")" || exit 1
source ./deploy/prepare.sh
source ./deploy/test-engines.sh
# Services that a test kills would leave their diagnostics sockets in /tmp.
export DOTNET_EnableDiagnostics=0

need bwrap:bubblewrap unshare:util-linux fsfreeze:util-linux mkfs.ext4:e2fsprogs setpriv:util-linux script:bsdutils ps:procps git:git curl:curl dig:dnsutils ip:iproute2 python3:python3 gcc:gcc /usr/include/zlib.h:zlib1g-dev node:nodejs npm:npm chromium:chromium
need_dotnet

# A real agent to run, to which the topology tests give a stand-in for its model; and what checks the console's pages for accessibility.
if [ ! -x artifacts/npm/node_modules/.bin/claude ] || [ ! -s artifacts/npm/node_modules/axe-core/axe.min.js ]; then
    mkdir -p artifacts/npm
    npm install --prefix artifacts/npm --no-audit --no-fund --loglevel=error @anthropic-ai/claude-code@2 axe-core@4 >artifacts/npm.log 2>&1 || { tail -5 artifacts/npm.log >&2; exit 69; }
fi

results=$(mktemp -d)
declare -A begun

# begin NAME COMMAND…: beside what follows, its output in a file; 'ready NAME' waits until it has ended.
begin() {
    local name=$1
    shift
    { "$@" >"artifacts/begin-$name.log" 2>&1; echo $? >"$results/begin-$name"; } &
    begun[$name]=$!
}
ready() {
    while [ ! -s "$results/begin-$1" ] && kill -0 "${begun[$1]}" 2>/dev/null; do sleep 1; done
}

# Making the image waits for the network and the disk, building for the processor.
mkdir -p artifacts
need_engines
begin engines start_engines
trap 'ready engines; rm -rf "$results"; stop_engines' EXIT

echo 'Building' >&2
if ! dotnet build Aspire.sln -c Release -v quiet -nologo >artifacts/test-build.log 2>&1; then
    grep -E 'error|warn' artifacts/test-build.log | sort -u | head -40 >&2
    echo '0 passed, 1 failed'
    exit 1
fi

# The command is compiled ahead of time, for a minute; not every test wants it.
begin command ./gatehouse --version

# run PROJECT [MINUTES]: its tests, one of which may take so long; what came of them in one line, and in a file.
run() {
    local name=$1 minutes=${2:-5} log=artifacts/$1.log start=$SECONDS code line p f
    dotnet test "tests/$name" -c Release --no-build -nologo --blame-hang-timeout "${minutes}m" \
        --results-directory artifacts/results --logger "trx;LogFileName=$1.trx" >"$log" 2>&1
    code=$?
    line=$(grep -E '^(Passed|Failed)! ' "$log" | tail -1)
    p=$(sed -n 's/.*Passed: *\([0-9]*\).*/\1/p' <<<"$line")
    f=$(sed -n 's/.*Failed: *\([0-9]*\),.*/\1/p' <<<"$line")
    if [ -z "$line" ] || { [ $code -ne 0 ] && [ "${f:-0}" = 0 ]; }; then
        f=$((${f:-0} + 1))
        tail -20 "$log"
    fi
    [ "${f:-0}" = 0 ] || grep -E '^\s+Failed |Error Message:' -A14 "$log" | head -160
    printf '%-24s %5s passed %5s failed %5s s\n' "$name" "${p:-0}" "${f:-0}" $((SECONDS - start))
    echo "${p:-0} ${f:-0}" >"$results/$name"
}

# Three at a time: making images waits for the network and the disk, the log sink's faults for processes that start, browsers for both. What has an enclosure
# follows one by one, since it measures what this machine does; it wants the images.
last='Attacks.Tests Topology.Tests'
{ ready engines; ready command; run Images.Tests 12; } &
images=$!
second='AgentSandbox.Tests Console.Tests EmbeddedHosting.Tests Gate.Tests'
{ for name in $second; do run "$name"; [ "$name" != AgentSandbox.Tests ] || ready command; done; } &
others=$!
run LogSink.Tests 12
for project in tests/*.Tests; do
    name=$(basename "$project")
    case " Images.Tests LogSink.Tests $second $last " in *" $name "*) ;; *) run "$name" ;; esac
done
wait "$images" "$others"
for name in $last; do run "$name"; done

passed=0 failed=0
for project in tests/*.Tests; do
    read -r p f <"$results/$(basename "$project")" || { p=0 f=1; echo "$(basename "$project") did not run"; }
    passed=$((passed + p)) failed=$((failed + f))
done

for each in engines command; do
    [ "$(cat "$results/begin-$each" 2>&1)" = 0 ] && continue
    echo "$each: not ready"
    tail -20 "artifacts/begin-$each.log"
    failed=$((failed + 1))
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
