#!/usr/bin/env bash
# The manifest of the plugin `study` for krew, kubectl's plugin manager. Usage: packaging/krew.sh VERSION FOLDER-OF-ARCHIVES
set -euo pipefail
version=$1
folder=$2
cat <<YAML
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: study
spec:
  version: v$version
  homepage: https://github.com/studious-dev/studious
  shortDescription: Look at deep-learning tuning studies and act on them
  description: |
    Shows, compares, pauses and exports studies of the Studious operator, and
    prints the findings: which conclusions of a tuning study hold, and what to
    run next.
  platforms:
YAML
for machine in amd64 arm64; do
  archive=$folder/studious-$version-linux-$machine.tar.gz
  [ -e "$archive" ] || continue
  cat <<YAML
  - selector:
      matchLabels: {os: linux, arch: $machine}
    uri: https://github.com/studious-dev/studious/releases/download/v$version/$(basename "$archive")
    sha256: $(sha256sum "$archive" | cut -d' ' -f1)
    bin: kubectl-study
YAML
done
