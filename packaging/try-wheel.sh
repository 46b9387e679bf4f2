#!/usr/bin/env bash
# What a newcomer without Rust does: installs the wheel that packaging/wheels.sh made for this machine, imports the package, and
# runs the digits study. Usage: packaging/try-wheel.sh
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
wheel=$(find target/wheels -name "*manylinux*_$(uname -m).whl" | sort | tail -n1)
[ -n "$wheel" ] || { echo "no wheel for this machine in target/wheels: run packaging/wheels.sh $(uname -m) first" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
started=$SECONDS
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --constraint trainer-image/requirements/cpu.txt "$root/${wheel}[jax]"
echo "pip install: $((SECONDS - started)) s; $(du -h "$wheel" | cut -f1) $(basename "$wheel")"
cd "$folder"
export PATH="$folder/venv/bin:/usr/bin:/bin"
studious --version
python -c 'import studious; print("import studious:", studious.__version__)'
"$folder/venv/bin/studious" completions bash | grep -q studious
cp -r "$root/examples/digits" .
started=$SECONDS
studious run digits/study.yaml
echo "the digits study: $((SECONDS - started)) s"
