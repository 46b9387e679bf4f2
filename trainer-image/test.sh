#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh virtual environment, and checks that: ruff, mypy --strict, pytest.
#   ./test.sh                   everything
#   ./test.sh --fast            without the tests that train real models (marked jax) and those of PyTorch
#   ./test.sh --without-torch   without the tests of PyTorch (tests/pytorch); says so at the end
# The tests of PyTorch run in an environment of their own, made of a Python that has torch: TORCH_PYTHON, or else PYTHON,
# or /usr/bin/python3 with Debian's python3-torch. Without one this script fails, and says how to get it.
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
torch=1
case ${1:-} in
--fast)
  options=(-m "not jax")
  torch=
  shift
  ;;
--without-torch)
  torch=
  shift
  ;;
esac
if [ -n "$torch" ]; then
  # Its wheel on PyPI drags in gigabytes of CUDA libraries, and does not import without them.
  torch_python=
  for candidate in "${TORCH_PYTHON:-$python}" /usr/bin/python3; do
    if (cd / && "$candidate" -c 'import torch, venv, ensurepip') 2>/dev/null; then
      torch_python=$candidate
      break
    fi
  done
  [ -n "$torch_python" ] || {
    echo "test.sh: no Python with torch was found (tried ${TORCH_PYTHON:-$python} and /usr/bin/python3). On Debian:" \
      "apt-get install python3-torch python3-venv; elsewhere name one in TORCH_PYTHON, or leave these tests out with --without-torch" >&2
    exit 1
  }
fi

# What is pinned is installed once for each set of pins; the wheel is built and installed anew every time, in an
# environment that holds no other trace of this package.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
pins=$(cat requirements/build.txt requirements/cpu.txt requirements/test.txt requirements/bridges.txt | sha256sum | cut -c1-16)
environment=$cache/venv-$pins
if [ ! -e "$environment/ready" ]; then
  rm -rf "$cache"/venv-*
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements/build.txt -r requirements/test.txt -r requirements/bridges.txt
  touch "$environment/ready"
fi
export PATH="$environment/bin:$PATH"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
if [ -n "$torch" ]; then
  torch_pins=$({ cat requirements/torch.txt; (cd / && "$torch_python" -c 'import sys, torch; print(sys.version, torch.__version__)'); } | sha256sum | cut -c1-16)
  torch_environment=$cache/torch-$torch_pins
  if [ ! -e "$torch_environment/ready" ]; then
    rm -rf "$cache"/torch-*
    "$torch_python" -m venv --system-site-packages "$torch_environment"
    "$torch_environment/bin/pip" install --quiet --disable-pip-version-check --no-deps -r requirements/torch.txt
    touch "$torch_environment/ready"
  fi
fi
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
# Arguments may select tests of one environment alone: 5 is pytest's status for none.
checked() { "$@" || { local status=$?; [ "$status" = 5 ] && [ "$given" -gt 0 ]; } || exit "$status"; }
given=$#
checked pytest --rootdir "$root" -c "$root/pyproject.toml" -p no:cacheprovider "${options[@]}" --ignore "$root/tests/pytorch" "$root/tests" "$@"
if [ -n "$torch" ]; then
  "$torch_environment/bin/pip" uninstall --quiet --yes studious-tuning 2>/dev/null || true
  "$torch_environment/bin/pip" install --quiet --disable-pip-version-check --no-deps "$wheels"/studious_tuning-*.whl
  checked "$torch_environment/bin/python" -m pytest --rootdir "$root" -c "$root/pyproject.toml" -p no:cacheprovider "$root/tests/pytorch" "$@"
else
  echo "test.sh: the tests of PyTorch (tests/pytorch) were left out, as asked"
fi
