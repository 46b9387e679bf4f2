#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh virtual environment, and checks that: ruff, mypy --strict, pytest.
#   ./test.sh            everything
#   ./test.sh --fast     without the tests that train real models (marked jax)
# Other arguments go to pytest, as in: ./test.sh -k checkpoints
# Tests of notebooks call the studious command: STUDIOUS_BINARY, or the one that was built here, or the path's; without one
# they fail.
set -euo pipefail
cd "$(dirname "$0")"
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}/trainer-image
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  echo "test.sh: Python 3.11 or later is needed; '$python' is $("$python" --version 2>&1 || echo missing). Name another in PYTHON" >&2
  exit 1
}
"$python" -c 'import venv, ensurepip' 2>/dev/null || {
  echo "test.sh: '$python' has no venv; on Debian: apt-get install python3-venv" >&2
  exit 1
}

options=()
case ${1:-} in
--fast)
  options=(-m "not jax")
  shift
  ;;
esac

# What is pinned is installed once for each set of pins; the wheel is built and installed anew every time, in an
# environment that holds no other trace of this package.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
pins=$(cat requirements/build.txt requirements/cpu.txt requirements/test.txt | sha256sum | cut -c1-16)
environment=$cache/venv-$pins
if [ ! -e "$environment/ready" ]; then
  rm -rf "$cache"/venv-*
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements/build.txt -r requirements/test.txt
  touch "$environment/ready"
fi
export PATH="$environment/bin:$PATH"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
hatchling build -t wheel -d "$wheels" >/dev/null 2>&1 || hatchling build -t wheel -d "$wheels"
pip uninstall --quiet --yes studious-tuning 2>/dev/null || true
pip install --quiet --disable-pip-version-check --no-deps "$wheels"/studious_tuning-*.whl

examples=../examples
[ -d "$examples" ] || examples= # a copy of this folder alone
ruff check --no-cache --config pyproject.toml . $examples
ruff format --no-cache --config pyproject.toml --check . $examples
mypy --cache-dir "$cache/mypy"
[ -z "$examples" ] || mypy --cache-dir "$cache/mypy" "$examples"/contract/trainer.py
# From another folder, so that what is imported is the wheel.
root=$PWD
if [ -z "${STUDIOUS_BINARY:-}" ]; then
  for built in ../target/debug/studious ../target/release/studious; do
    [ -x "$built" ] && export STUDIOUS_BINARY=$root/$built && break
  done
else
  export STUDIOUS_BINARY
fi
cd "$wheels"
pytest --rootdir "$root" -c "$root/pyproject.toml" -p no:cacheprovider "${options[@]}" "$root/tests" "$@"
