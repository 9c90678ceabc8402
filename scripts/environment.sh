#!/bin/sh
# Make the virtual environment, install what is pinned, and get what sandboxes need from the system.
set -eu

say() { printf '%s\n' "environment: $*"; }

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
if [ ! -x "$VENV/bin/python" ]; then
    say "making $VENV"
    "$PYTHON" -m venv "$VENV" || { say "python3-venv is missing: install your system's package for it"; exit 1; }
fi
say "installing pinned packages"
"$VENV/bin/pip" install --quiet --constraint constraints.txt --editable '.[dev,node,docker]'

# The driver's own needs, and those of a network for sandboxes, which only root can give them.
needed() {
    command -v bwrap >/dev/null 2>&1 || echo bubblewrap
    [ "$(id -u)" != 0 ] || [ -x /usr/sbin/nft ] || command -v nft >/dev/null 2>&1 || echo nftables
    [ "$(id -u)" != 0 ] || [ -x /usr/sbin/ip ] || command -v ip >/dev/null 2>&1 || echo iproute2
}
packages=$(needed | tr '\n' ' ')
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing $packages"
    # shellcheck disable=SC2086 - one word each
    { apt-get install -y -qq $packages || { apt-get update -qq && apt-get install -y -qq $packages; }; } >/dev/null 2>&1 || true
fi
command -v bwrap >/dev/null 2>&1 || say "bubblewrap is missing: sudo apt-get install bubblewrap (or your system's package); until then use IORUNTIME_INVOKER__DRIVER=process"
# install_for_tests COMMAND PACKAGE WHAT: only where CI=true, where a missing service fails its tests.
install_for_tests() {
    if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && ! command -v "$1" >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
        say "installing $3"
        { apt-get install -y -qq --no-install-recommends "$2" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$2"; }; } >/dev/null 2>&1 || true
    fi
}
install_for_tests chromium chromium "Chromium, for the tests of the console"
install_for_tests dockerd docker.io "the Docker engine that tests start"
say "adding the Node modules that actions may use"
"$VENV/bin/ioruntime" runtimes install nodejs:default >/dev/null || say "the openwhisk package could not be installed; actions run without it"
