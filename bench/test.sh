#!/usr/bin/env bash
# Checks the comparison's own code, without the peers: ruff, mypy --strict, pytest. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")"
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}/bench
python=${PYTHON:-python3}
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
pins=$(sha256sum <requirements-test.txt | cut -c1-16)
environment=$cache/test-$pins
if [ ! -e "$environment/ready" ]; then
  rm -rf "$cache"/test-*
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements-test.txt
  touch "$environment/ready"
fi
export PATH="$environment/bin:$PATH" OPENBLAS_NUM_THREADS=1
ruff check --no-cache .
ruff format --no-cache --check .
mypy --cache-dir "$cache/mypy"
pytest -p no:cacheprovider "$@"
