#!/bin/sh
# Choose a Python that is new enough, installing Debian's when there is none, and hand over to `python -m setup`.
cd "$(dirname "$0")/.." || exit 1

new_enough() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

choose() {
    for candidate in "$PYTHON" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] && new_enough "$candidate" && { echo "$candidate"; return; }
    done
}

install_debians() {
    root=""; [ "$(id -u)" = 0 ] || root="sudo"
    $root apt-get update -q && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3 python3-venv
}

python=$(choose)
if [ -z "$python" ] && ! command -v python3 >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    echo "· Installing Python with apt" >&2
    said=$(install_debians 2>&1) || {
        echo "Set-up stopped. Python could not be installed: $(echo "$said" | tail -n 1)" >&2
        exit 1
    }
    python=$(choose)
fi
if [ -z "$python" ]; then
    found=$(python3 --version 2>/dev/null || echo "no Python 3")
    echo "Set-up stopped. Rasai needs Python 3.11 or newer; this machine has $found. Install one (Debian 12, Ubuntu 24.04 and later ship it), or name it: PYTHON=/path/to/python3.12 make setup" >&2
    exit 1
fi
exec "$python" -m setup "$@"
