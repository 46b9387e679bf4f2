# shellcheck shell=bash
# Removes the cluster and every trace of it, whatever state it is in. Kills, rather than stops: nothing in it is kept.

verb_down() {
  if leftovers; then step "remove cluster '$NAME'" take_down; else say "cluster '$NAME' is down"; fi
}

leftovers() {
  [ -e "$RUN" ] || ip link show "$HOST_LINK" >/dev/null 2>&1 || [ -n "$(cluster_pids)" ]
}

take_down() {
  # A folder that this script did not make is not its to delete.
  [ ! -e "$RUN" ] || [ -e "$RUN/$MARK" ] || [ -z "$(ls -A "$RUN")" ] ||
    die "STUDIOUS_CLUSTER_DIR='$RUN' holds other files (no $MARK in it): name an empty or a new folder"
  kill_all
  remove_sandbox
  remove_cgroups
  rm -rf --one-file-system "$RUN"
  [ ! -e "$RUN" ] || die "could not delete $RUN"
}
