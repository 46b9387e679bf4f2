# shellcheck shell=bash disable=SC2153
# Tries in a pod what a cluster has to do for Studious: see smoke.yaml.

verb_smoke() {
  locate_binaries
  alive apiserver || die "cluster '$NAME' is not up"
  verb_images base
  step "run smoke.yaml" run_smoke
}

run_smoke() {
  local logs
  STEP_LOG=$RUN/logs/smoke.log
  k delete namespace smoke --ignore-not-found >"$STEP_LOG" 2>&1
  rm -f "$VOLUMES"/smoke-*
  k create namespace smoke >>"$STEP_LOG" 2>&1
  sed "s|VOLUMES|$VOLUMES|" "$HERE/smoke.yaml" | k -n smoke apply -f - >>"$STEP_LOG" 2>&1
  if ! k -n smoke wait --for=condition=Complete job/smoke --timeout=60s >>"$STEP_LOG" 2>&1; then
    { k -n smoke describe pods; k -n smoke logs -l app=smoke --all-containers --prefix; } >>"$STEP_LOG" 2>&1 || true
    die "the job did not complete: see $STEP_LOG"
  fi
  logs=$(k -n smoke logs -l app=smoke -c main --prefix)
  echo "$logs" >>"$STEP_LOG"
  [ "$(grep -c 'called smoke-[01].smoke$' <<<"$logs")" -eq 2 ] || die "the two hosts' logs don't both say that they called each other: $logs"
  [ "$(cat "$VOLUMES/smoke-0" "$VOLUMES/smoke-1")" = $'1000\n1000' ] || die "what the pods wrote is not in $VOLUMES"
  grep -q '"verb":"create".*"resource":"jobs","namespace":"smoke","name":"smoke"' "$AUDIT_LOG" || die "the job's creation is not in $AUDIT_LOG"
  k delete namespace smoke >>"$STEP_LOG" 2>&1
}
