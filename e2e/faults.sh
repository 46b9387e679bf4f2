#!/usr/bin/env bash
# One study of 60 trials while everything that it stands on is killed, cut off or filled: `make faults KILLS=100 SEED=7`.
# Boots a throwaway cluster here (root on Debian) and removes it again. Without KILLS: one fault of each kind, as in e2e/run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
make release
trap 'e2e/cluster/cluster.sh down' EXIT
e2e/cluster/cluster.sh check
e2e/cluster/cluster.sh build
e2e/cluster/cluster.sh up
eval "$(e2e/cluster/cluster.sh env)"
e2e/cluster/cluster.sh images
e2e/install.sh
cargo test --locked -p studious-e2e --features cluster --test faults -- --nocapture --test-threads=1
