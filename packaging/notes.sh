#!/usr/bin/env bash
# The changelog's section of a version. Usage: packaging/notes.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
awk -v version="${1:?usage: packaging/notes.sh VERSION}" '
  /^## / { shown = index($0, version) > 0; next }
  shown { print; found = 1 }
  END { if (!found) { print "CHANGELOG.md has no section for " version > "/dev/stderr"; exit 1 } }' CHANGELOG.md
