#!/bin/bash
# Runs the demo agent: its little internet on loopback, then the agent in an enclosure, then the record and the changes it left.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
gatehouse=../../gatehouse

# A key that exists for this run only: the origin accepts it, the gateway injects it, the agent never sees it.
DEMO_API_KEY="gh-demo-key-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
export DEMO_API_KEY

was_up=$($gatehouse status >/dev/null 2>&1 && echo yes || echo no)
rm -f ca.pem
Demo__ApiKey=$DEMO_API_KEY Demo__CaFile=$PWD/ca.pem dotnet ../../artifacts/bin/DemoOrigin/release/Gatehouse.DemoOrigin.dll >/dev/null 2>&1 &
origin=$!
# shellcheck disable=SC2317 # called by the trap
finish() {
    kill "$origin" 2>/dev/null || true
    wait "$origin" 2>/dev/null || true
    [ "$was_up" = yes ] || $gatehouse down >/dev/null || true
}
trap finish EXIT

$gatehouse up
for _ in {1..100}; do
    [ -s ca.pem ] && break
    kill -0 "$origin" 2>/dev/null || { echo 'The demo origin ended: are 127.0.0.1:28443 and 28080 free?' >&2; exit 69; }
    sleep 0.1
done

code=0
$gatehouse run --policy gatehouse.yaml || code=$?

session=$($gatehouse sessions --json --limit 1 | sed 's/.*"session":"\([^"]*\)".*/\1/')
echo
echo "The record of session $session:"
$gatehouse log "$session" --limit 200
echo
echo 'What it changed (nothing of it is in the workspace yet: gatehouse apply, or gatehouse discard):'
$gatehouse changes "$session" || true
$gatehouse log verify
exit $code
