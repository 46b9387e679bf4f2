# shellcheck shell=bash
# Installs the chart with the image that `images` loaded.

NAMESPACE=${STUDIOUS_E2E_NAMESPACE:-studious-system}

verb_install() {
  locate_binaries
  alive apiserver || die "cluster '$NAME' is not up"
  [ -e "$RUN/loaded-$(short_name "$OPERATOR_IMAGE")" ] || die "$OPERATOR_IMAGE is not loaded: run 'cluster.sh images operator'"
  step "helm install studious in namespace $NAMESPACE" install_chart "$@"
}

install_chart() {
  local status=0
  # Helm's own files lie in the run folder, and go with it.
  HELM_CACHE_HOME=$RUN/helm/cache HELM_CONFIG_HOME=$RUN/helm/config HELM_DATA_HOME=$RUN/helm/data KUBECONFIG=$RUN/admin.kubeconfig \
    "$BIN/helm" upgrade --install studious "$ROOT/charts/studious" --namespace "$NAMESPACE" --create-namespace \
    --set "image.repository=${OPERATOR_IMAGE%:*}" --set "image.tag=${OPERATOR_IMAGE##*:}" --set image.pullPolicy=IfNotPresent \
    --wait --timeout 120s "$@" >&2 || status=$?
  [ "$status" -eq 0 ] && return
  say "the pods and the latest events of namespace $NAMESPACE:"
  {
    k -n "$NAMESPACE" get pods -o wide
    k -n "$NAMESPACE" get events --sort-by=.lastTimestamp | tail -n 15
    k -n "$NAMESPACE" logs --all-containers --prefix --tail=25 -l app.kubernetes.io/name=studious
  } >&2 || true
  return "$status"
}
