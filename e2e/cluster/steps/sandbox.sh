# shellcheck shell=bash
# Where the node lives: a mount and a network namespace, a veth link to this machine, and a cgroup by which every process
# of the cluster can be found and killed whatever happened to the daemons that started it. So nothing of the cluster shows
# in this machine's mounts, ports, bridges or firewall, and removing it is: kill, unmount the namespaces, delete the folder.

# Paths that Kubernetes, containerd and CNI have built in; in the node's mount namespace each is a folder of the run folder.
BUILT_IN=(/var/lib/kubelet:kubelet /var/lib/cni:cni-state /var/log/pods:pod-logs /var/log/containers:container-logs /run/containerd:shims)
MARK=.made-by-studious-cluster

make_sandbox() {
  local pair
  make_cgroups
  mkdir -p "$RUN/ns"
  mount --bind "$RUN/ns" "$RUN/ns"
  mount --make-private "$RUN/ns" # A namespace can be kept by a file only on a private mount.
  touch "$RUN/ns/mnt" "$RUN/ns/net"
  unshare --mount="$RUN/ns/mnt" --net="$RUN/ns/net" true
  for pair in "${BUILT_IN[@]}"; do
    mkdir -p "$RUN/${pair##*:}"
    [ -d "${pair%%:*}" ] || { mkdir -p "${pair%%:*}" && touch "${pair%%:*}/$MARK"; }
  done
  # Shared within the namespace, so that what the kubelet mounts reaches containers (each in a peer group of its own).
  # shellcheck disable=SC2016
  in_node bash -euc '
    mount --make-rshared /
    run=$1; shift
    for pair; do
      mount --bind "$run/${pair##*:}" "${pair%%:*}"
      mount --make-private "${pair%%:*}"
      mount --make-shared "${pair%%:*}"
    done' sandbox "$RUN" "${BUILT_IN[@]}"

  ip link add "$HOST_LINK" type veth peer name eth0 netns "$RUN/ns/net"
  ip address add "$HOST_IP/30" dev "$HOST_LINK"
  ip link set "$HOST_LINK" up
  # shellcheck disable=SC2016
  in_node bash -euc '
    ip link set lo up
    ip address add "$1/30" dev eth0
    ip link set eth0 up
    ip route add default via "$2"
    echo 1 >/proc/sys/net/ipv4/ip_forward' sandbox "$NODE_IP" "$HOST_IP"
  # This machine reaches pods and services, by their addresses.
  ip route add "$POD_PREFIX.0.0/16" via "$NODE_IP"
  ip route add "$SERVICE_PREFIX.0.0/16" via "$NODE_IP"
}

in_node() { nsenter --mount="$RUN/ns/mnt" --net="$RUN/ns/net" -- "$@"; }

verb_exec() {
  need_root
  [ -e "$RUN/ns/net" ] || die "cluster '$NAME' is not up"
  in_node "$@"
}

cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/self/mounts | sort -u; }

# The hierarchy in which daemons are listed: one that weighs no CPU time where there is such a one (cgroup v1).
daemons_cgroup() {
  local root
  for root in /sys/fs/cgroup/pids /sys/fs/cgroup/freezer $(cgroup_roots); do
    if [ -e "$root/cgroup.procs" ]; then
      echo "$root/$CGROUP/daemons"
      return
    fi
  done
  die "no cgroup file system is mounted"
}

make_cgroups() {
  local root dir file controller
  for root in $(cgroup_roots); do
    for dir in "$root/$CGROUP" "$root/$CGROUP/daemons"; do
      mkdir -p "$dir"
      for file in cpuset.cpus cpuset.mems; do # v1: a child may hold no process until it has these.
        [ ! -e "$dir/$file" ] || [ -e "$dir/cgroup.controllers" ] || cat "${dir%/*}/$file" >"$dir/$file"
      done
    done
    [ -e "$root/cgroup.controllers" ] || continue
    # shellcheck disable=SC2013 # words, on one line
    for controller in $(cat "$root/cgroup.controllers"); do # v2: each level passes its controllers on.
      for dir in "$root" "$root/$CGROUP"; do echo "+$controller" >"$dir/cgroup.subtree_control" 2>/dev/null || true; done
    done
  done
}

cluster_pids() {
  local root
  for root in $(cgroup_roots); do
    [ -d "$root/$CGROUP" ] || continue
    find "$root/$CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done | sort -u
}

kill_all() {
  local root pids='' pid i left
  local -A born=() # of each process: when it began
  for root in $(cgroup_roots); do # runc freezes what it kills; a frozen process can't die.
    [ ! -d "$root/$CGROUP" ] || find "$root/$CGROUP" -name freezer.state -exec sh -c 'for f; do echo THAWED >"$f"; done' sh {} + 2>/dev/null || true
  done
  for ((i = 0; i < 200; i++)); do
    pids=$(cluster_pids)
    [ -n "$pids" ] || break
    for pid in $pids; do
      [ -z "${born[$pid]:-}" ] || continue
      birth "$pid"
      [ -z "$BORN" ] || born[$pid]=$BORN
    done
    # shellcheck disable=SC2086 # one word each
    kill -9 $pids 2>/dev/null || true
    sleep 0.05
  done
  [ -z "$pids" ] || die "processes that don't die (see /proc/PID/stack): $pids"
  # A process leaves its cgroup a little before it has given back its memory and its files.
  for ((i = 0; i < 100; i++)); do
    left=false
    for pid in "${!born[@]}"; do
      birth "$pid"
      if [ "$BORN" = "${born[$pid]}" ]; then left=true; else unset "born[$pid]"; fi
    done
    $left || break
    sleep 0.05
  done
}

# Sets BORN to when a process began, in ticks (with its number that is its identity), or to nothing if it has ended.
birth() {
  local stat fields
  BORN=''
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -ra fields <<<"${stat##*) }" # its name, which may hold spaces, is in parentheses
  [[ ${fields[0]} == [ZX] ]] || BORN=${fields[19]}
}

remove_cgroups() {
  local root i
  for root in $(cgroup_roots); do
    for ((i = 0; i < 100; i++)); do
      [ -d "$root/$CGROUP" ] || break
      find "$root/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
    done
    [ ! -d "$root/$CGROUP" ] || die "cannot remove the cgroup $root/$CGROUP"
  done
}

remove_sandbox() {
  local pair dir
  ip link del "$HOST_LINK" 2>/dev/null || true # its routes go with it
  # Whatever the run folder holds in this machine's own mount namespace, deepest first.
  awk -v run="$RUN/" 'index($5 "/", run) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r dir; do
    umount "$dir" 2>/dev/null || umount -l "$dir"
  done
  for pair in "${BUILT_IN[@]}"; do
    dir=${pair%%:*}
    [ -e "$dir/$MARK" ] || continue
    # Another cluster's node may still have its folder mounted there.
    ! grep -qs " $dir " /proc/[0-9]*/mountinfo || continue
    rm -f "$dir/$MARK"
    rmdir "$dir" 2>/dev/null || true
  done
}
