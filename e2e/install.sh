#!/usr/bin/env bash
# Installs the chart into the test cluster, with a volume for the ledger in a folder that tests know.
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(e2e/cluster/cluster.sh env)"
namespace=${STUDIOUS_E2E_NAMESPACE:-studious-system}
mkdir -p "$STUDIOUS_E2E_VOLUMES/ledger"
chmod 0777 "$STUDIOUS_E2E_VOLUMES/ledger"
kubectl create namespace "$namespace" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted --overwrite >/dev/null
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: studious-ledger}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ledger
  claimRef: {namespace: $namespace, name: studious-ledger}
  hostPath: {path: $STUDIOUS_E2E_VOLUMES/ledger, type: DirectoryOrCreate}
YAML
# The service account by which tests read the operator's metrics.
kubectl --namespace "$namespace" create serviceaccount scraper --dry-run=client -o yaml | kubectl apply -f - >/dev/null
e2e/cluster/cluster.sh install --set ledger.persistence.storageClassName=ledger --set ledger.persistence.size=1Gi --set log.format=text \
  --set agent.metrics=true --set 'monitoring.readers[0].name=scraper' --set "monitoring.readers[0].namespace=$namespace" "$@"
