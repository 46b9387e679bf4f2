#!/usr/bin/env bash
# What a trial costs beside its training, against bare Jobs in the same run: `make bench-cluster TRIALS=60 TURNS=3`. On the
# cluster that `make cluster` made, or with E2E_USE_CURRENT_CONTEXT=1 on yours, with Studious installed and its
# service account `scraper` among monitoring.readers, as e2e/install.sh does.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${E2E_USE_CURRENT_CONTEXT:-}" != 1 ]; then
  e2e/cluster/cluster.sh status >/dev/null || { echo "there is no cluster: make cluster" >&2; exit 1; }
  eval "$(e2e/cluster/cluster.sh env)"
fi
# Not optimised: it only drives and looks.
cargo bench --profile dev --locked -p studious-e2e --features cluster --bench pace
