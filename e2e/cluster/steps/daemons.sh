# shellcheck shell=bash disable=SC2153
# Starts and stops one daemon of the cluster.

# Runs the command in the node's namespaces and the cluster's cgroup, with a clean environment (a proxy that is set for
# this machine's downloads must not come between the cluster's parts).
start_daemon() { # name command…
  local name=$1 procs
  shift
  procs=$(daemons_cgroup)/cgroup.procs
  (
    echo "$BASHPID" >"$procs"
    exec setsid nsenter --mount="$RUN/ns/mnt" --net="$RUN/ns/net" -- env -i "PATH=$PATH" HOME=/root "$@" </dev/null >>"$RUN/logs/$name.log" 2>&1 6>&- 8>&- 9>&-
  ) &
  echo $! >"$RUN/$name.pid"
}

# By its cgroup too: after a restart of the machine the number may be another process's.
alive() {
  local pid
  pid=$(cat "$RUN/$1.pid" 2>/dev/null) || return 1
  grep -qs "/$CGROUP/daemons" "/proc/$pid/cgroup" && ! grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status"
}

stop_daemon() {
  local pid i
  alive "$1" || return 0
  pid=$(cat "$RUN/$1.pid")
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 150; i++)); do # The API server takes about 5 s.
    alive "$1" || return 0
    sleep 0.1
  done
  say "$1 did not stop in 15 s: killing it"
  kill -9 "$pid" 2>/dev/null || true
}

k() { "$BIN/kubectl" --kubeconfig="$RUN/admin.kubeconfig" "$@"; }

run_daemon() {
  local p=$RUN/pki
  case $1 in
    etcd)
      # No fsync: the cluster is thrown away, and the disk is shared.
      start_daemon etcd "$BIN/etcd" --data-dir "$RUN/etcd" --unsafe-no-fsync --log-level warn \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
      ;;
    containerd) start_daemon containerd containerd -c "$RUN/config/containerd.toml" ;;
    apiserver)
      start_daemon apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --advertise-address="$NODE_IP" \
        --service-cluster-ip-range="$SERVICE_PREFIX.0.0/16" --allow-privileged=true --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --service-account-issuer=https://kubernetes.default.svc --service-account-signing-key-file="$p/service-accounts.key" --service-account-key-file="$p/service-accounts.key" \
        --client-ca-file="$p/ca.crt" --tls-cert-file="$p/apiserver.crt" --tls-private-key-file="$p/apiserver.key" \
        --kubelet-client-certificate="$p/kubelet-client.crt" --kubelet-client-key="$p/kubelet-client.key" --kubelet-certificate-authority="$p/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --audit-policy-file="$RUN/config/audit.yaml" --audit-log-path="$AUDIT_LOG" --audit-log-maxsize=1000 --audit-log-maxbackup=1
      ;;
    controller-manager)
      start_daemon controller-manager "$BIN/kube-controller-manager" --kubeconfig="$RUN/controller-manager.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false \
        --use-service-account-credentials --service-account-private-key-file="$p/service-accounts.key" --root-ca-file="$p/ca.crt" \
        --cluster-signing-cert-file="$p/ca.crt" --cluster-signing-key-file="$p/ca.key"
      ;;
    scheduler) start_daemon scheduler "$BIN/kube-scheduler" --kubeconfig="$RUN/scheduler.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false ;;
    kubelet) start_daemon kubelet "$BIN/kubelet" --config="$RUN/config/kubelet.yaml" --kubeconfig="$RUN/node.kubeconfig" --hostname-override="$NODE" --node-ip="$NODE_IP" ;;
    proxy) start_daemon proxy "$BIN/kube-proxy" --config="$RUN/config/proxy.yaml" ;;
    coredns) start_daemon coredns "$BIN/coredns" -conf "$RUN/config/Corefile" ;;
    provisioner) start_daemon provisioner "$BIN/provisioner" --kubeconfig="$RUN/provisioner.kubeconfig" --root="$VOLUMES" ;;
    *) die "'$1' is no daemon of the cluster: ${DAEMONS[*]}" ;;
  esac
}

verb_start() {
  [ $# -eq 1 ] || die "start takes one of: ${DAEMONS[*]}"
  [ -e "$RUN/ns/net" ] || die "cluster '$NAME' is not up"
  locate_binaries
  if alive "$1"; then say "$1 runs already"; else step "start $1" run_daemon "$1"; fi
}

verb_stop() {
  [ $# -eq 1 ] || die "stop takes one of: ${DAEMONS[*]}"
  [[ " ${DAEMONS[*]} " == *" $1 "* ]] || die "'$1' is no daemon of the cluster: ${DAEMONS[*]}"
  step "stop $1" stop_daemon "$1"
}

# Without notice, as a crash or a machine that runs out of memory ends it.
verb_kill() {
  local pid
  [ $# -eq 1 ] || die "kill takes one of: ${DAEMONS[*]}"
  [[ " ${DAEMONS[*]} " == *" $1 "* ]] || die "'$1' is no daemon of the cluster: ${DAEMONS[*]}"
  alive "$1" || return 0
  pid=$(cat "$RUN/$1.pid")
  kill -9 "$pid" 2>/dev/null || true
  while alive "$1"; do sleep 0.05; done
}

verb_status() {
  local d any=false
  for d in "${DAEMONS[@]}"; do
    [ -e "$RUN/$d.pid" ] || continue
    any=true
    if alive "$d"; then echo "$d runs (pid $(cat "$RUN/$d.pid")), log $RUN/logs/$d.log"; else echo "$d is dead, log $RUN/logs/$d.log"; fi
  done
  $any || { echo "cluster '$NAME' is down"; return 3; }
}
