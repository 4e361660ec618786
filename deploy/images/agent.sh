#!/usr/bin/env bash
# Builds the agent image from its Dockerfile:  agent.sh [--base IMAGE] [--tag TAG] [NAME=VALUE…]      e.g. AGENTS=claude-code,openclaw NODE=24.21.0
# Environment: GATEHOUSE_ENGINE (docker | podman). SSL_CERT_FILE or NODE_EXTRA_CA_CERTS, where set, is what this machine trusts: the image is given it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engine=${GATEHOUSE_ENGINE:-docker}
tag=gatehouse/agent
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --base) arguments+=(--build-arg "BASE=${2:?--base wants an image}"); shift 2 ;;
    --tag) tag=${2:?--tag wants a name}; shift 2 ;;
    [A-Z]*=*) arguments+=(--build-arg "$1"); shift ;;
    *) echo "agent.sh: '$1' is not known: --base IMAGE, --tag TAG, NAME=VALUE" >&2; exit 64 ;;
  esac
done
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp -r "$here/agent/." "$context"
bundle=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}
[[ -z $bundle || ! -r $bundle ]] || cp "$bundle" "$context/trust/host.crt"
# Times would make the engine's cache miss: the content alone decides.
find "$context" -exec touch -h -d @0 {} +
# Docker's BuildKit is a plug-in that smaller installations lack; the Dockerfile needs nothing of it.
if [[ $engine == docker ]] && ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi
start=$SECONDS
"$engine" build --network host --tag "$tag" "${arguments[@]}" "$context"
echo "agent.sh: $tag built in $((SECONDS - start)) s ($("$engine" image inspect --format '{{.Size}}' "$tag" | numfmt --to=iec))"
