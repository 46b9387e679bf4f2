#!/usr/bin/env bash
# The operator's image for amd64 and arm64, from the binaries that packaging/wheels.sh left.
# Usage: packaging/image.sh [--push] IMAGE:TAG     --push also publishes it, with its bill of materials and provenance.
set -euo pipefail
cd "$(dirname "$0")/.."
push=()
[ "${1:-}" = --push ] && { push=(--push --sbom=true --provenance=mode=max); shift; }
image=${1:?usage: packaging/image.sh [--push] IMAGE:TAG}
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
built=()
for pair in x86_64:amd64 aarch64:arm64; do
  machine=${pair#*:}
  binary=target/${pair%:*}-unknown-linux-gnu/dist/studious
  [ -x "$binary" ] || continue
  install -m 0755 "$binary" "$context/studious"
  docker buildx build --platform "linux/$machine" --file operator/Dockerfile --tag "$image-$machine" "${push[@]}" "$context"
  built+=("$image-$machine")
done
[ ${#built[@]} -gt 0 ] || { echo "no binaries: run packaging/wheels.sh first" >&2; exit 1; }
[ ${#push[@]} = 0 ] || docker buildx imagetools create --tag "$image" "${built[@]}"
