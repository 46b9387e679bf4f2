#!/usr/bin/env bash
# Says what is missing for a purpose, and how to get it. Usage: prerequisites.sh demo|lint|web|browser|python
set -euo pipefail
missing=0

# need COMMAND "version it printed" MINIMUM "how to get it"
need() {
  local command=$1 have=$2 minimum=$3 how=$4
  if [ -z "$have" ]; then
    echo "missing: $command (>= $minimum). $how" >&2
    missing=1
  elif [ "$(printf '%s\n%s\n' "$minimum" "$have" | sort -V | head -n1)" != "$minimum" ]; then
    echo "too old: $command $have (>= $minimum is needed). $how" >&2
    missing=1
  fi
}
# `command`: a function here may have the name of a tool.
version() { { command "$@" 2>/dev/null || true; } | grep -oE "[0-9]+(\.[0-9]+)+" | head -n1 || true; }

rust() { need cargo "$(version cargo --version)" 1.95 "Install Rust with rustup (rustup toolchain install stable)."; }
c_compiler() { need cc "$(version cc --version)" 8 "Debian: apt-get install build-essential."; }
node() { need node "$(version node --version)" 20.0 "Install Node.js 20 or later, with npm (Debian: apt-get install nodejs npm, or nodejs.org)."; }
python() {
  need python3 "$(version python3 --version)" 3.11 "Debian: apt-get install python3 python3-venv."
  python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: Python's venv. Debian: apt-get install python3-venv." >&2; missing=1; }
}

chromium() {
  local found
  found=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
  need chromium "${found:+$(version "$found" --version)}" 120 "Debian: apt-get install chromium; or set CHROMIUM to a Chrome."
}

case ${1:-demo} in
  demo) rust; c_compiler; node; python ;;
  lint) rust; c_compiler; node; python; need shellcheck "$(version shellcheck --version)" 0.8 "Debian: apt-get install shellcheck." ;;
  web) node ;;
  browser) rust; c_compiler; node; python; chromium ;;
  python) python ;;
  *) echo "usage: $0 demo|lint|web|browser|python" >&2; exit 2 ;;
esac
[ "$missing" = 0 ] || exit 1
