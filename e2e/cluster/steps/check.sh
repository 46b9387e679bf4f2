# shellcheck shell=bash
# What the cluster needs of this machine, and the apt-get line that gets what's missing.

# shellcheck disable=SC2034 # used in config.sh
CNI_BIN=''
# command:package, for the commands which a minimal Debian may lack
COMMANDS=(containerd:containerd ctr:containerd runc:runc ip:iproute2 nft:nftables openssl:openssl nsenter:util-linux unshare:util-linux
  flock:util-linux mount:mount cc:gcc buildah:buildah debootstrap:debootstrap tar:tar)

check_settings() {
  [[ $NAME =~ ^[a-z][a-z0-9-]{0,14}$ ]] || die "STUDIOUS_CLUSTER='$NAME': must be 1 to 15 of a-z, 0-9 and -, beginning with a letter"
  [[ $NUMBER =~ ^[0-9]+$ && $NUMBER -lt 50 ]] || die "STUDIOUS_CLUSTER_NUMBER='$NUMBER': must be a number from 0 to 49"
  [ "${#HOST_LINK}" -le 15 ] || die "STUDIOUS_CLUSTER_INTERFACE='$HOST_LINK': an interface's name has at most 15 characters"
  [[ $RUN =~ ^/[^[:space:]\"]*$ && ${#SOCKET} -le 100 ]] ||
    die "STUDIOUS_CLUSTER_DIR='$RUN': must be absolute, without spaces or quotes, and at most 84 characters (sockets lie in it)"
  [[ $LINK_PREFIX =~ ^([0-9]{1,3}\.){2}[0-9]{1,3}$ ]] || die "STUDIOUS_CLUSTER_LINK='$LINK_PREFIX': must be the first three numbers of an IPv4 address"
  [[ $POD_PREFIX =~ ^[0-9]{1,3}\.[0-9]{1,3}$ ]] || die "STUDIOUS_CLUSTER_PODS='$POD_PREFIX': must be the first two numbers of an IPv4 address"
  [[ $SERVICE_PREFIX =~ ^[0-9]{1,3}\.[0-9]{1,3}$ ]] || die "STUDIOUS_CLUSTER_SERVICES='$SERVICE_PREFIX': must be the first two numbers of an IPv4 address"
}

need_commands() {
  local c
  for c in "$@"; do command -v "$c" >/dev/null || return 1; done
}

find_cni() {
  local dir
  for dir in /usr/lib/cni /opt/cni/bin; do
    if [ -x "$dir/ptp" ] && [ -x "$dir/host-local" ] && [ -x "$dir/loopback" ]; then
      # shellcheck disable=SC2034
      CNI_BIN=$dir
      return 0
    fi
  done
  return 1
}

missing_packages() {
  local pair
  {
    for pair in "${COMMANDS[@]}"; do need_commands "${pair%%:*}" || echo "${pair##*:}"; done
    find_cni || echo containernetworking-plugins
    # A static libc, for the sandbox's program.
    echo 'int main(void){return 0;}' | cc -static -x c -o /dev/null - 2>/dev/null || echo libc6-dev
    [ -e /usr/share/debootstrap/scripts/bookworm ] || echo debootstrap
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  } | sort -u | tr '\n' ' '
}

verb_check() {
  local packages install=false wrong=0
  case ${1:-} in
    '') ;;
    --install) install=true ;;
    *) die "check: unknown argument '$1'" ;;
  esac
  packages=$(missing_packages)
  if [ -n "$packages" ] && $install; then
    need_root
    need_commands apt-get || die "check --install needs apt-get (Debian); missing: $packages"
    # shellcheck disable=SC2086 # one word each
    step "install $packages" install_packages $packages
    packages=$(missing_packages)
  fi
  if [ -n "$packages" ]; then
    say "missing; get it with: apt-get install --no-install-recommends $packages"
    wrong=1
  fi
  check_go || wrong=1
  check_kernel || wrong=1
  [ "$wrong" -eq 0 ] || die "this machine lacks what is named above"
  say "this machine has what the cluster needs"
}

install_packages() {
  mkdir -p "$CACHE/cluster"
  STEP_LOG=$CACHE/cluster/apt-get.log
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update >"$STEP_LOG" 2>&1
  apt-get -q -y install --no-install-recommends "$@" >>"$STEP_LOG" 2>&1
}

check_go() {
  local want have
  want=$(awk '$1 == "go" {print $2}' "$HERE/go.mod")
  if ! need_commands go; then
    say "missing: Go $want or later on PATH (Debian's own may be older)"
    return 1
  fi
  have=$(go env GOVERSION)
  have=${have#go}
  if [ "$(printf '%s\n' "$want" "$have" | sort -V | head -n 1)" != "$want" ]; then
    say "Go is $have; the modules of e2e/cluster need $want or later"
    return 1
  fi
}

check_kernel() {
  local controller wrong=0 probe=studious-probe
  [ "$(id -u)" -eq 0 ] || { say "not root: up, down, images, load and install need it"; return 0; }
  unshare --mount --net true 2>/dev/null || { say "mount and network namespaces cannot be made here (unshare --mount --net)"; wrong=1; }
  if ip link add "$probe" type veth peer name "${probe}1" 2>/dev/null; then
    ip link del "$probe"
  else
    say "veth interfaces cannot be made here (ip link add … type veth)"
    wrong=1
  fi
  for controller in cpu memory pids; do
    awk -v c="$controller" '$3 == "cgroup" && "," $4 "," ~ "," c "," {found = 1} END {exit !found}' /proc/self/mounts ||
      grep -qsw "$controller" /sys/fs/cgroup/cgroup.controllers || { say "no cgroup controller '$controller' (neither v1 nor v2)"; wrong=1; }
  done
  return "$wrong"
}

# Prints overlay if overlay mounts work under a folder (they don't on top of some overlays), or else the fallback.
overlay_or() { # folder fallback
  local probe=$1/overlay-probe
  mkdir -p "$probe"/{lower,upper,work,merged}
  if unshare --mount mount -t overlay overlay -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2>/dev/null; then echo overlay; else echo "$2"; fi
  rm -rf "$probe"
}
