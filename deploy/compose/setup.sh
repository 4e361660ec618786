#!/bin/sh
# Makes what no repository may hold: the token that gates and record know each other by (.env), and the file of the credential (secrets/api-key).
# What is there already stays.
set -eu
cd "$(dirname "$0")"
umask 077
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
[ -s .env ] || echo "GATEHOUSE_TOKEN=$(random 32)" >.env
mkdir -p secrets
chmod 700 secrets
if [ ! -s secrets/api-key ]; then
    echo "gh-demo-key-$(random 16)" >secrets/api-key
    echo 'secrets/api-key holds a key for the demo. Write your own over it for an agent of yours.'
fi
# Compose mounts the file as it is, and the gateway is another user (1654): the file becomes its own, or, where only root could give it away, readable in a folder
# that keeps everybody else of this machine out.
if chown 1654:1654 secrets/api-key 2>/dev/null; then chmod 400 secrets/api-key; else chmod 644 secrets/api-key; fi
