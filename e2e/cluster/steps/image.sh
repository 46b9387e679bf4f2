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
  for name in "$@"; do
    case $name in
      operator) operator_image ;;
      trainer) trainer_image ;;
      *) die "images: '$name' is neither operator nor trainer" ;;
    esac
  done
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

# image_from IMAGE CONTEXT BASE TARGET FILE…: builds it unless the cache holds it for these files; loads it if a cluster is up.
image_from() {
  local image=$1 context=$2 base=$3 target=$4 short key archive
  shift 4
  short=${image##*/}
  short=${short%%:*}
  key=$(cd "$context" && { sha256sum "$@"; base_key "$base"; } | sha256sum | cut -c1-16)
  archive=$CACHE/images/$short-$key.tar
  if [ -f "$archive" ]; then
    touch "$archive"
    say "$image: unchanged since it was built"
  else
    base_image "$base"
    step "build $image" build_image "$image" "$context" "localhost/$base:$SUITE" "$target" "$archive"
    find "$CACHE/images" -maxdepth 1 -name "$short-????????????????.tar" -printf '%T@ %p\n' | sort -rn | awk 'NR > 2 {print $2}' | xargs -r rm -f
  fi
  if ! alive containerd; then
    say "$image: not loaded, since cluster '$NAME' is not up"
  elif [ "$(cat "$RUN/loaded-$short" 2>/dev/null)" != "$key" ]; then
    step "load $image" import_image "$archive"
    echo "$key" >"$RUN/loaded-$short"
  fi
}

build_image() { # image context base target archive
  local args=(--isolation chroot --network host --pull-never --layers --build-arg "BASE_IMAGE=$3" -t "$1")
  STEP_LOG=$CACHE/images/build.log
  [ -z "$4" ] || args+=(--target "$4")
  machine_settings
  buildah_here bud "${args[@]}" "${MACHINE_SETTINGS[@]}" "$2" >"$STEP_LOG" 2>&1
  rm -f "$5.new"
  buildah_here push "$1" "docker-archive:$5.new:$1" >>"$STEP_LOG" 2>&1
  mv "$5.new" "$5"
  buildah_here rmi --prune >>"$STEP_LOG" 2>&1 || true # layers that no image uses any more
}

# What a build must know of this machine to download from where this machine does: proxies, certificate authorities and
# pip's settings, each only if it is set here. They are mounted for the build, and are not part of the image.
machine_settings() {
  local name value dir=$CACHE/images/settings line
  MACHINE_SETTINGS=()
  for name in http_proxy https_proxy no_proxy ftp_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY FTP_PROXY ALL_PROXY; do
    [ -z "${!name:-}" ] || MACHINE_SETTINGS+=(--build-arg "$name=${!name}")
  done
  # pip reads these three, the later winning; so this machine's file, its user's, and its environment keep their order.
  [ ! -r /etc/pip.conf ] || settings_volume /etc/pip.conf /etc/xdg/pip/pip.conf
  [ ! -r "$HOME/.config/pip/pip.conf" ] || settings_volume "$HOME/.config/pip/pip.conf" /etc/pip.conf
  mkdir -p "$dir"
  {
    echo '[global]'
    while IFS='=' read -r name value; do
      [ "$name" = PIP_CONFIG_FILE ] || printf '%s = %s\n' "$(tr 'A-Z_' 'a-z-' <<<"${name#PIP_}")" "$value"
    done < <(env | grep '^PIP_[A-Z_]*=')
  } >"$dir/pip.conf"
  settings_volume "$dir/pip.conf" /root/.config/pip/pip.conf
  [ ! -r "${PIP_CONFIG_FILE:-}" ] || settings_volume "$PIP_CONFIG_FILE" /root/.pip/pip.conf
  # Files and folders that those settings and the usual variables name are to be found in the build under the same names.
  while read -r line; do
    [[ $line != /* || ! -e $line ]] || settings_volume "$line" "$line"
  done < <({
    sed -n 's/^[[:space:]]*\(cert\|client-cert\|find-links\)[[:space:]]*=[[:space:]]*//p' /etc/pip.conf "$HOME/.config/pip/pip.conf" "$dir/pip.conf" 2>/dev/null | tr ' ' '\n'
    printf '%s\n' "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" "${CURL_CA_BUNDLE:-}"
  } | sort -u)
}

settings_volume() { MACHINE_SETTINGS+=(-v "$1:$2:ro"); }
