# shellcheck shell=bash
# Says what happens and how long it took; waits; fails with the end of the log that tells why.

STEP='' STEP_LOG=''

exec 6>&2 # so that what is said is seen also where a command's own words go to a log

say() { printf 'cluster: %s\n' "$*" >&6; }

die() {
  STEP='' # The message says all; see on_exit.
  say "error: $*"
  exit 1
}

# step TEXT COMMAND…: runs it in this shell (so that set -e holds in it), and says how long it took.
step() {
  local text=$1 begin=${EPOCHREALTIME/./} tenths
  shift
  STEP=$text STEP_LOG=''
  say "$text …"
  "$@"
  tenths=$(((${EPOCHREALTIME/./} - begin) / 100000))
  say "$text: $((tenths / 10)).$((tenths % 10)) s"
  STEP=''
}

on_exit() {
  local status=$?
  if [ "$status" -ne 0 ] && [ -n "$STEP" ]; then
    say "error: failed at: $STEP"
    [ -z "$STEP_LOG" ] || tail_of "$STEP_LOG"
  fi
  exit "$status"
}
trap on_exit EXIT

tail_of() {
  [ -s "$1" ] || { say "($1 is empty)"; return 0; }
  say "the end of $1:"
  tail -n 25 "$1" | sed 's/^/    /' >&6
}

# wait_for SECONDS DAEMON COMMAND…: until the command succeeds. Ends early, with the log's end, if the daemon has died.
wait_for() {
  local limit=$1 daemon=$2 deadline
  shift 2
  deadline=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    if ! alive "$daemon"; then
      tail_of "$RUN/logs/$daemon.log"
      die "$daemon has died"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      tail_of "$RUN/logs/$daemon.log"
      die "$daemon is not ready after $limit s; waited for: $*"
    fi
    sleep 0.1
  done
}

# http_ok ADDRESS PORT PATH: whether a GET answers 200; needs no client.
http_ok() (
  exec 7<>"/dev/tcp/$1/$2" || exit 1
  printf 'GET %s HTTP/1.0\r\n\r\n' "$3" >&7
  IFS= read -r -t 2 reply <&7
  [[ $reply == *' 200 '* ]]
)

need_root() { [ "$(id -u)" -eq 0 ] || die "this needs root: it makes namespaces, mounts and cgroups"; }

# Two commands on one cluster wait for each other. Daemons don't inherit the lock (see start_daemon).
lock_cluster() {
  mkdir -p "$CACHE/cluster"
  exec 9>"$CACHE/cluster/$NAME.lock"
  flock -n 9 || { say "waiting for another command on cluster '$NAME'"; flock 9; }
}

# Images are shared by all clusters of a cache; they are built one at a time.
lock_images() {
  mkdir -p "$CACHE/images"
  exec 8>"$CACHE/images/lock"
  flock -n 8 || { say "waiting for another build of images"; flock 8; }
}
