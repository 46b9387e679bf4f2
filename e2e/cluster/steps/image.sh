# shellcheck shell=bash disable=SC2153
# Images: the sandbox's own, the operator's and the trainer's from their Dockerfiles, and loading any into containerd.

OPERATOR_IMAGE=localhost/studious:dev
TRAINER_IMAGE=localhost/studious-trainer:dev

verb_load() {
  [ $# -eq 1 ] || die "load takes one FILE.tar"
  [ -r "$1" ] || die "cannot read '$1'"
  alive containerd || die "cluster '$NAME' is not up"
  step "load $1" import_image "$1"
}

import_image() {
  local snapshotter
  STEP_LOG=$RUN/logs/load.log
  snapshotter=$(awk -F'"' '$1 ~ /snapshotter =/ {print $2}' "$RUN/config/containerd.toml")
  ctr -a "$SOCKET" -n k8s.io images import --snapshotter "$snapshotter" "$1" >"$STEP_LOG" 2>&1
}

# The image every pod's sandbox runs. Made by hand, since it is one static file: `up` needs no image builder.
load_pause_image() {
  local dir=$RUN/pause layer
  STEP_LOG=$RUN/logs/pause.log
  mkdir -p "$dir"
  cc -static -Os -s -o "$dir/pause" "$HERE/steps/pause.c" 2>"$STEP_LOG"
  tar -C "$dir" --owner=0 --group=0 --numeric-owner -cf "$dir/layer.tar" pause
  layer=$(sha256sum "$dir/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/pause"],"User":"65535:65535"},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"pause"}]}' \
    "$(go_architecture)" "$layer" >"$dir/config.json"
  echo '[{"Config":"config.json","RepoTags":["localhost/pause:1"],"Layers":["layer.tar"]}]' >"$dir/manifest.json"
  tar -C "$dir" -cf "$dir/image.tar" manifest.json config.json layer.tar
  import_image "$dir/image.tar"
  rm -rf "$dir"
}

go_architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) die "no image architecture is known for $(uname -m)" ;;
  esac
}

verb_images() {
  local name
  [ $# -gt 0 ] || set -- operator trainer
  need_commands buildah debootstrap || die "buildah and debootstrap are needed to build images: see 'cluster.sh check'"
  lock_images
  for name in "$@"; do
    case $name in
      operator) operator_image ;;
      trainer) trainer_image ;;
      base) image_of_base ;;
      *) die "images: '$name' is none of operator, trainer and base" ;;
    esac
  done
  leave_storage
}

# From the release binary that cargo built: see operator/Dockerfile.
operator_image() {
  local binary=${STUDIOUS_BINARY:-$ROOT/target/release/studious} context
  [ -x "$binary" ] || die "no operator binary at '$binary': build it (cargo build --release -p studious) or name one in STUDIOUS_BINARY"
  context=$CACHE/images/operator-context
  rm -rf "$context"
  mkdir -p "$context"
  cp "$binary" "$context/studious"
  cp "$ROOT/operator/Dockerfile" "$context/Dockerfile"
  image_from "$OPERATOR_IMAGE" "$context" debian-base '' studious Dockerfile
}

trainer_image() {
  local context=$CACHE/images/trainer-context
  rm -rf "$context"
  mkdir -p "$context"
  # What git would know, so that caches and environments lying about don't make it another image.
  (cd "$ROOT/trainer-image" && { git ls-files -co --exclude-standard 2>/dev/null || find . -type f; } |
    while read -r file; do [ ! -f "$file" ] || echo "$file"; done | tar -cf - -T - | tar -C "$context" -xf -)
  # shellcheck disable=SC2046 # no spaces in the names of that folder
  image_from "$TRAINER_IMAGE" "$context" python-base cpu $(cd "$context" && find . -type f | sort)
}

# image_from IMAGE CONTEXT BASE TARGET FILE…: builds it unless the cache holds it for these files; loads it if the cluster is up.
image_from() {
  local image=$1 context=$2 base=$3 target=$4 key
  shift 4
  key=$(cd "$context" && { sha256sum "$@"; base_key "$base"; } | sha256sum | cut -c1-16)
  if cached "$image" "$key"; then
    say "$image: unchanged since it was built"
  else
    base_image "$base"
    step "build $image" build_image "$image" "$context" "localhost/$base:$SUITE" "$target" "$ARCHIVE"
  fi
  load_once "$image" "$key"
}

# The Debian base as it is, for tests which need no more than a shell.
image_of_base() {
  local image=localhost/debian-base:$SUITE key
  key=$(base_key debian-base)
  if ! cached "$image" "$key"; then
    base_image debian-base
    STEP_LOG=$CACHE/images/build.log
    step "keep $image" keep_image "$image" "$ARCHIVE"
  fi
  load_once "$image" "$key"
}

# Whether the archive of an image, made from what the key stands for, is in the cache. Sets ARCHIVE to where it belongs.
cached() { # image key
  ARCHIVE=$CACHE/images/$(short_name "$1")-$2.tar
  [ -f "$ARCHIVE" ] && touch "$ARCHIVE"
}

short_name() {
  local short=${1##*/}
  echo "image-${short%%:*}"
}

load_once() { # image key
  local mark
  mark=$RUN/loaded-$(short_name "$1")
  lock_cluster
  if ! alive containerd; then
    say "$1: not loaded, since cluster '$NAME' is not up"
  elif [ "$(cat "$mark" 2>/dev/null)" != "$2" ]; then
    step "load $1" import_image "$ARCHIVE"
    echo "$2" >"$mark"
  fi
  flock -u 9
}

build_image() { # image context base target archive
  local args=(--isolation chroot --network host --pull-never --layers --build-arg "BASE_IMAGE=$3" -t "$1")
  STEP_LOG=$CACHE/images/build.log
  [ -z "$4" ] || args+=(--target "$4")
  machine_settings
  buildah_here rm --all >"$STEP_LOG" 2>&1 # of builds that were killed
  buildah_here bud "${args[@]}" "${MACHINE_SETTINGS[@]}" "$2" >>"$STEP_LOG" 2>&1
  keep_image "$1" "$5"
  buildah_here rmi --prune >>"$STEP_LOG" 2>&1 || true # layers that no image uses any more
}

keep_image() { # image archive
  rm -f "$2.new"
  buildah_here push "$1" "docker-archive:$2.new:$1" >>"$CACHE/images/build.log" 2>&1
  mv "$2.new" "$2"
  # The two states used last are kept.
  find "$CACHE/images" -maxdepth 1 -name "$(short_name "$1")-????????????????.tar" -printf '%T@ %p\n' | sort -rn | awk 'NR > 2 {print $2}' | xargs -r rm -f
}

# Buildah keeps its storage mounted; nothing of ours shall stay in this machine's mounts.
leave_storage() {
  local dir
  awk -v storage="$CACHE/images/" 'index($5, storage) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r dir; do umount "$dir" || true; done
}

# What a build must know of this machine to download from where this machine does: proxies, certificate authorities and
# pip's settings, each only if it is set here. They are mounted for the build, and are not part of the image.
machine_settings() {
  local name value dir=$CACHE/images/settings line
  MACHINE_SETTINGS=()
  for name in http_proxy https_proxy no_proxy ftp_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY FTP_PROXY ALL_PROXY; do
    [ -z "${!name:-}" ] || MACHINE_SETTINGS+=(--build-arg "$name=${!name}")
  done
  mkdir -p "$dir"
  pip_settings >"$dir/pip.conf"
  settings_volume "$dir/pip.conf" /etc/pip.conf # read whatever HOME a Dockerfile sets
  # Files and folders that those settings and the usual variables name are to be found in the build under the same names.
  while read -r line; do
    [[ $line != /* || ! -e $line ]] || settings_volume "$line" "$line"
  done < <({
    sed -n 's/^[[:space:]]*\(cert\|client-cert\|find-links\)[[:space:]]*=[[:space:]]*//p' "$dir/pip.conf" | tr ' ' '\n'
    printf '%s\n' "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" "${CURL_CA_BUNDLE:-}"
  } | sort -u)
}

# This machine's pip settings as one file: the machine's file, the user's, the one named by the environment, and the
# environment, the later winning, as pip has it.
pip_settings() {
  local name value
  {
    cat /etc/pip.conf "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf" "${PIP_CONFIG_FILE:-/dev/null}" 2>/dev/null || true
    echo '[global]'
    while IFS='=' read -r name value; do
      [ "$name" = PIP_CONFIG_FILE ] || printf '%s = %s\n' "$(tr 'A-Z_' 'a-z-' <<<"${name#PIP_}")" "$value"
    done < <(env | grep '^PIP_[A-Z_]*=' || true)
  } | awk '
    /^[[:space:]]*([#;]|$)/ {next}
    /^\[/ {section = $0; next}
    /^[^[:space:]]/ {key = section SUBSEP substr($0, 1, match($0, /[=:]/)); gsub(/[[:space:]]/, "", key); text[key] = $0; of[key] = section; next}
    {text[key] = text[key] "\n" $0}
    END {for (key in text) print of[key] "\n" text[key]}' | awk '
    /^\[/ {section = $0; next}
    {lines[section] = lines[section] $0 "\n"}
    END {for (section in lines) printf "%s\n%s", section, lines[section]}'
}

settings_volume() { MACHINE_SETTINGS+=(-v "$1:$2:ro"); }
