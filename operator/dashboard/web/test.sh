#!/usr/bin/env bash
# The dashboard and the report in headless Chromium, as a user would use them. STUDIOUS names a `studious` to test
# (a debug build by default), CHROMIUM a browser.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
"$root/prerequisites.sh" browser
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund
fi
npm run --silent check
npm run --silent unit
if [ -z "${STUDIOUS:-}" ]; then
  (cd "$root" && cargo build --locked -p studious)
  STUDIOUS=$root/target/debug/studious
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A finished study with its report, and ten thousand trials as the runner writes them.
mkdir "$work/few"
cp test/study.yaml test/trainer.py "$work/few/"
(cd "$work/few" && "$STUDIOUS" run study.yaml --dir "$work/few/fallen-error" --quiet >/dev/null)
if [ -n "${BIG_RUN:-}" ]; then
  "$BIG_RUN" "$work/many" 10000 2 >/dev/null
else
  (cd "$root" && cargo run --quiet --locked -p studious --example big_run -- "$work/many" 10000 2 >/dev/null)
fi
export CHROMIUM STUDIOUS STUDIOUS_TEST_WORK=$work
node --test --test-concurrency=1 --test-timeout=120000 test/*.test.mjs
