#!/usr/bin/env bash
# Wheels that carry the `studious` command beside the Python package: `pip install` of one gives both, without Rust.
#   packaging/wheels.sh [x86_64] [aarch64]     (default: both), into target/wheels
# Zig is the linker, so that the binary runs on every glibc from 2.28 (Debian 10, RHEL 8) whatever is installed here.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}
glibc=2.28
[ $# -gt 0 ] || set -- x86_64 aarch64

tools=$cache/wheel-tools-1
[ -e "$tools/ready" ] || {
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q --disable-pip-version-check cargo-zigbuild==0.24.1 ziglang==0.17.1 -r trainer-image/requirements/build.txt
  touch "$tools/ready"
}
export PATH="$tools/bin:$PATH"
make web

target=$(cargo metadata --no-deps --format-version 1 --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
mkdir -p "$target/wheels"
for machine in "$@"; do
  case $machine in
    x86_64 | aarch64) ;;
    *) echo "unknown machine $machine: expected x86_64 or aarch64" >&2; exit 2 ;;
  esac
  triple=$machine-unknown-linux-gnu
  rustup target add "$triple" >/dev/null 2>&1 || { echo "rustup cannot install the standard library of $triple" >&2; exit 1; }
  cargo zigbuild --profile dist --locked -p studious --target "$triple.$glibc"
  packaging/check-binary.sh "$target/$triple/dist/studious"
  cd trainer-image
  STUDIOUS_WHEEL_COMMAND=$target/$triple/dist/studious STUDIOUS_WHEEL_PLATFORM=manylinux_${glibc/./_}_$machine \
    hatchling build -t wheel -d "$target/wheels"
  cd ..
done
ls -l "$target/wheels"
