#!/usr/bin/env bash
# Packages the chart, and publishes it. Usage: packaging/chart.sh [--push oci://REGISTRY/FOLDER] VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
registry=
[ "${1:-}" = --push ] && { registry=$2; shift 2; }
version=${1:?usage: packaging/chart.sh [--push oci://REGISTRY/FOLDER] VERSION}
mkdir -p target/charts
helm package charts/studious --version "$version" --app-version "$version" --destination target/charts
[ -z "$registry" ] || helm push "target/charts/studious-$version.tgz" "$registry"
