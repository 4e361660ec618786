# Sourced by run.sh and test.sh: installs what is missing, and says how where it can not.

# need PROGRAM-OR-FILE:PACKAGE…
need() {
    local missing=() pair
    for pair in "$@"; do
        case ${pair%%:*} in
            /*) [ -e "${pair%%:*}" ] ;;
            *) command -v "${pair%%:*}" >/dev/null ;;
        esac || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local apt='apt-get'
    [ "$(id -u)" = 0 ] || apt='sudo apt-get'
    if ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; }; then
        echo "Missing: ${missing[*]}. Install them with your package manager, then run this again." >&2
        exit 69
    fi
    echo "Installing ${missing[*]}" >&2
    $apt update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive $apt install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_dotnet() {
    if ! command -v dotnet >/dev/null || ! dotnet --version >/dev/null 2>&1; then
        echo "Missing: the .NET 10 SDK (global.json names the version). Install it from your distribution or from the .NET site." >&2
        exit 69
    fi
}
