#!/bin/bash
# The main job: installs what is missing, builds, and runs the demo agent in an enclosure. Ends with the table of what held,
# the session's record and its changes.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
source ./deploy/prepare.sh

need bwrap:bubblewrap unshare:util-linux git:git curl:curl dig:dnsutils gcc:gcc /usr/include/zlib.h:zlib1g-dev
need_dotnet

./examples/demo/run.sh
