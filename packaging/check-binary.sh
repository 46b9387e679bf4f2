#!/usr/bin/env bash
# A binary that is published is small and needs no more than a C library. Usage: packaging/check-binary.sh BINARY…
set -euo pipefail
most=$((35 * 1000 * 1000))
for binary in "$@"; do
  size=$(stat -c %s "$binary")
  [ "$size" -le "$most" ] || { echo "$binary has $size bytes; at most $most are allowed" >&2; exit 1; }
  other=$(readelf --dynamic "$binary" | sed -n 's/.*Shared library: \[\(.*\)\]/\1/p' |
    grep -vE '^(libc|libm|libdl|librt|libpthread|libgcc_s|ld-linux.*)\.so' || true)
  [ -z "$other" ] || { echo "$binary needs $other, which the image does not have" >&2; exit 1; }
  echo "$binary: $((size / 1000000)) MB"
done
