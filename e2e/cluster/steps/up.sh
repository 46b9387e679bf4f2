# shellcheck shell=bash
# Brings the cluster up.

verb_up() {
  local begin=$SECONDS
  verb_build
  if [ -e "$RUN/$MARK" ] && healthy; then
    say "cluster '$NAME' is up"
    verb_env
    return
  fi
  if leftovers; then
    say "cluster '$NAME' is half there (it was stopped, killed, or this machine was restarted): beginning anew"
    take_down
  fi
  find_cni || die "the CNI plugins ptp, host-local and loopback are in neither /usr/lib/cni nor /opt/cni/bin: see 'cluster.sh check'"
  need_commands containerd ctr runc ip nft openssl || die "commands are missing: see 'cluster.sh check'"
  mkdir -p "$RUN/logs"
  touch "$RUN/$MARK"
  step "make namespaces, cgroup and link ($HOST_LINK: $HOST_IP, node $NODE_IP)" make_sandbox
  step "make certificates and configuration" make_pki_and_configs
  step "start etcd, API server and containerd" start_control_plane
  step "start controller manager, scheduler, kubelet, proxy and DNS; node Ready" start_node
  say "cluster '$NAME' is up after $((SECONDS - begin)) s; to use it: eval \"\$($0 env)\""
  verb_env
}

make_pki_and_configs() {
  make_pki
  write_configs
}

start_control_plane() {
  run_daemon etcd
  run_daemon containerd
  run_daemon apiserver # waits for etcd by itself
  wait_for 30 containerd ctr -a "$SOCKET" version
  load_pause_image
  wait_for 90 apiserver k get --raw /readyz
}

start_node() {
  local d
  for d in kubelet controller-manager scheduler; do run_daemon "$d"; done
  STEP_LOG=$RUN/logs/objects.log
  { dns_objects && echo --- && storage_objects; } | k apply -f - >"$STEP_LOG" 2>&1
  run_daemon coredns # only now may it read what it serves
  run_daemon provisioner
  wait_for 60 kubelet k get node "$NODE"
  run_daemon proxy # looks for its node once, and then again only after 10 s
  wait_for 60 kubelet k wait --for=condition=Ready "node/$NODE" --timeout=5s
  wait_for 30 coredns http_ok "$NODE_IP" 8181 /ready
  wait_for 30 proxy http_ok "$NODE_IP" 10256 /healthz
  wait_for 30 controller-manager k get serviceaccount default # pods cannot be made before it is there
}

healthy() {
  local d
  for d in "${DAEMONS[@]}"; do alive "$d" || return 1; done
  k get --raw /readyz >/dev/null 2>&1 && k wait --for=condition=Ready "node/$NODE" --timeout=10s >/dev/null 2>&1
}

verb_env() {
  locate_binaries
  cat <<TEXT
export KUBECONFIG=$RUN/admin.kubeconfig
export PATH=$BIN:\$PATH
export STUDIOUS_E2E_VOLUMES=$VOLUMES
export STUDIOUS_E2E_AUDIT_LOG=$AUDIT_LOG
export STUDIOUS_E2E_HOST_IP=$HOST_IP
export STUDIOUS_E2E_NODE=$NODE
TEXT
}
