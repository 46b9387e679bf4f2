#!/usr/bin/env bash
# The tests that need a cluster. Boots a throwaway one here (root on Debian), installs Studious, runs them, and removes
# every trace. With E2E_USE_CURRENT_CONTEXT=1 they use your cluster (kind, GKE …) instead: name images that its nodes can
# have in STUDIOUS_IMAGE and STUDIOUS_TRAINER_IMAGE.
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=${STUDIOUS_E2E_NAMESPACE:-studious-system}

for tool in curl prometheus; do
  command -v "$tool" >/dev/null || { echo "missing: $tool. Debian: apt-get install $tool." >&2; exit 1; }
done
make release
if [ "${E2E_USE_CURRENT_CONTEXT:-}" = 1 ]; then
  image=${STUDIOUS_IMAGE:?the operator image your nodes can pull}
  : "${STUDIOUS_TRAINER_IMAGE:?the trainer image your nodes can pull}"
  helm upgrade --install studious charts/studious --namespace "$namespace" --create-namespace --wait --timeout 180s \
    --set "image.repository=${image%:*}" --set "image.tag=${image##*:}"
else
  trap 'e2e/cluster/cluster.sh down' EXIT
  e2e/cluster/cluster.sh check
  e2e/cluster/cluster.sh build
  e2e/cluster/cluster.sh up
  eval "$(e2e/cluster/cluster.sh env)"
  # Before Studious is there: what the API server says without its webhook.
  cargo test --locked -p studious-e2e --features cluster --test e2e -- --test-threads=1 api_server
  # The chart brings its own.
  kubectl delete crd studies.studious.dev trials.studious.dev --ignore-not-found
  e2e/cluster/cluster.sh images
  e2e/install.sh
fi
helm lint --quiet charts/studious
e2e/alerts.sh
export STUDIOUS_E2E_NAMESPACE=$namespace
cargo test --locked -p studious-e2e --features cluster --test e2e -- --test-threads=1 --skip api_server
if [ "${E2E_USE_CURRENT_CONTEXT:-}" != 1 ]; then
  # Each kind of fault once, during one study of 60 trials: it kills daemons, so on the throwaway cluster alone.
  cargo test --locked -p studious-e2e --features cluster --test faults -- --nocapture --test-threads=1
  # It goes as cleanly as it came; CRDs and studies stay, as crds.keep says.
  helm uninstall studious --namespace "$namespace" --wait --timeout 60s
  left=$(kubectl get clusterroles,clusterrolebindings,validatingwebhookconfigurations -o name | grep -i studious || true)
  [ -z "$left" ] || { echo "helm uninstall left: $left" >&2; exit 1; }
  kubectl get crd studies.studious.dev trials.studious.dev
fi
