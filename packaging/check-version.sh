#!/usr/bin/env bash
# One version everywhere: Cargo.toml, the Python package, the chart, the changelog. Usage: packaging/check-version.sh [vX.Y.Z]
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
wrong=0
same() { # WHERE FOUND
  [ "$2" = "$version" ] || { echo "$1 has version ${2:-(none)}; Cargo.toml has $version" >&2; wrong=1; }
}
same trainer-image/pyproject.toml "$(sed -n '/^\[project\]/,/^\[/s/^version = "\(.*\)"/\1/p' trainer-image/pyproject.toml)"
same charts/studious/Chart.yaml "$(sed -n 's/^version: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' charts/studious/Chart.yaml)"
same "charts/studious/Chart.yaml (appVersion)" "$(sed -n 's/^appVersion: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' charts/studious/Chart.yaml)"
grep -qE "^## \[?$version\]?" CHANGELOG.md || { echo "CHANGELOG.md has no section for $version" >&2; wrong=1; }
if [ $# -gt 0 ]; then
  same "the tag" "${1#v}"
  if grep -qE "^## \[?$version\]?.*[Uu]nreleased" CHANGELOG.md; then
    echo "CHANGELOG.md calls $version unreleased: give it its date" >&2
    wrong=1
  fi
fi
exit "$wrong"
