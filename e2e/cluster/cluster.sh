#!/usr/bin/env bash
# A throwaway, real Kubernetes on this machine, from Go modules and Debian packages, without Docker. See README.md.
# shellcheck disable=SC2034 # what is set here is used in steps/
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where Debian has what only root runs

# ---- What can be set --------------------------------------------------------------------------------------------------
CACHE=${STUDIOUS_CACHE:-$HOME/.cache/studious}
NAME=${STUDIOUS_CLUSTER:-studious}
NUMBER=${STUDIOUS_CLUSTER_NUMBER:-0}                              # gives clusters side by side their own subnets
RUN=${STUDIOUS_CLUSTER_DIR:-$CACHE/cluster/run/$NAME}             # all that this cluster writes
LINK_PREFIX=${STUDIOUS_CLUSTER_LINK:-172.30.$NUMBER}              # /30 between this machine (.1) and the node (.2)
POD_PREFIX=${STUDIOUS_CLUSTER_PODS:-10.$((100 + NUMBER))}         # /16 of the pods
SERVICE_PREFIX=${STUDIOUS_CLUSTER_SERVICES:-10.$((150 + NUMBER))} # /16 of the services
HOST_LINK=${STUDIOUS_CLUSTER_INTERFACE:-$NAME}                    # this machine's end of the link: all that the cluster adds to its network

# ---- What follows from it ---------------------------------------------------------------------------------------------
DAEMONS=(etcd containerd apiserver controller-manager scheduler kubelet proxy coredns provisioner)
HOST_IP=$LINK_PREFIX.1
NODE_IP=$LINK_PREFIX.2
API_IP=$SERVICE_PREFIX.0.1
DNS_IP=$SERVICE_PREFIX.0.10
NODE=node0
SOCKET=$RUN/containerd.sock
CGROUP=studious-cluster-$NAME
VOLUMES=$RUN/volumes
AUDIT_LOG=$RUN/audit.log

# shellcheck source=steps/say.sh
. "$HERE/steps/say.sh"
# shellcheck source=steps/check.sh
. "$HERE/steps/check.sh"
# shellcheck source=steps/build.sh
. "$HERE/steps/build.sh"
# shellcheck source=steps/sandbox.sh
. "$HERE/steps/sandbox.sh"
# shellcheck source=steps/pki.sh
. "$HERE/steps/pki.sh"
# shellcheck source=steps/config.sh
. "$HERE/steps/config.sh"
# shellcheck source=steps/daemons.sh
. "$HERE/steps/daemons.sh"
# shellcheck source=steps/up.sh
. "$HERE/steps/up.sh"
# shellcheck source=steps/down.sh
. "$HERE/steps/down.sh"
# shellcheck source=steps/base-image.sh
. "$HERE/steps/base-image.sh"
# shellcheck source=steps/image.sh
. "$HERE/steps/image.sh"
# shellcheck source=steps/smoke.sh
. "$HERE/steps/smoke.sh"
# shellcheck source=steps/install.sh
. "$HERE/steps/install.sh"

usage() {
  cat <<TEXT
usage: cluster.sh VERB
  check [--install]   name what is missing and how to get it; with --install (root, Debian) get it
  build               the binaries, into the cache: minutes the first time
  up                  start the cluster '$NAME' (anew, if it is broken); nothing to do when it is up
  images [NAME…]      build images (operator, trainer: both by default; base: only Debian) and load them into the cluster, if it is up
  load FILE.tar       load an image made by 'buildah push … docker-archive:FILE.tar:NAME'
  install [ARG…]      helm upgrade --install of charts/studious with the operator's image; ARGs go to helm
  env                 what to eval: KUBECONFIG, PATH and the places that tests use
  smoke               run a small job that tries names, services, a sidecar, logs, volumes and the API from pods
  status              which daemons run
  stop|kill|start DAEMON
                      one of: ${DAEMONS[*]}; kill gives it no notice
  exec COMMAND…       run it where the node runs (its network and its mounts)
  down                remove the cluster and every trace of it, whatever state it is in
STUDIOUS_CLUSTER names the cluster, STUDIOUS_CLUSTER_NUMBER (0 to 49) keeps several apart, STUDIOUS_CACHE is where things are kept; more in README.md.
TEXT
}

main() {
  local verb=${1:-help}
  [ $# -eq 0 ] || shift
  check_settings
  case $verb in
    check | build | env | status | exec) "verb_$verb" "$@" ;;
    images | smoke)
      need_root
      "verb_$verb" "$@"
      ;;
    up | load | install | start | stop | kill | down)
      need_root
      lock_cluster
      "verb_$verb" "$@"
      ;;
    help | -h | --help) usage ;;
    *)
      usage >&2
      die "unknown verb '$verb'"
      ;;
  esac
}

main "$@"
