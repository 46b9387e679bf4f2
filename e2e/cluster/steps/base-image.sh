# shellcheck shell=bash
# Base images by debootstrap, for machines that reach Debian's packages and no image registry:
# localhost/debian-base:bookworm in place of debian:bookworm-slim, localhost/python-base:bookworm in place of python:3.11-slim-bookworm.

SUITE=bookworm
declare -A BASE_PACKAGES=([debian-base]='ca-certificates' [python-base]='ca-certificates,python3,python3-pip,python3-venv')
STORAGE_DRIVER=''

# Buildah's storage lies in the cache, apart from what else this machine builds.
buildah_here() {
  [ -n "$STORAGE_DRIVER" ] || STORAGE_DRIVER=$(overlay_or "$CACHE/images" vfs)
  local policy=()
  case $1 in from | bud | commit | push) policy=(--signature-policy "$(accept_policy)") ;; esac
  buildah --root "$CACHE/images/storage-$STORAGE_DRIVER" --runroot "$CACHE/images/runroot-$STORAGE_DRIVER" --storage-driver "$STORAGE_DRIVER" \
    "$1" "${policy[@]}" "${@:2}"
}

accept_policy() { # Debian's own file for this is in a recommended package only.
  [ -f "$CACHE/images/policy.json" ] || echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$CACHE/images/policy.json"
  echo "$CACHE/images/policy.json"
}

base_key() { printf '%s %s 1' "$SUITE" "${BASE_PACKAGES[$1]}" | sha256sum | cut -c1-16; }

base_image() { # debian-base | python-base
  local base=$1 key archive image=localhost/$1:$SUITE
  key=$(base_key "$base")
  archive=$CACHE/images/$base-$key.tar
  [ -f "$archive" ] || step "debootstrap $base" bootstrap "$archive" "${BASE_PACKAGES[$base]}"
  [ "$(buildah_here inspect --type image --format '{{index .OCIv1.Config.Labels "studious.base"}}' "$image" 2>/dev/null)" = "$key" ] ||
    step "make $image" import_base "$image" "$archive" "$key"
}

bootstrap() { # archive packages
  local dir=$1.root mirror
  STEP_LOG=$CACHE/images/debootstrap.log
  # From where this machine's own packages come, if it is a Debian.
  # shellcheck disable=SC2016
  mirror=${DEBIAN_MIRROR:-$({ apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null || true; } | grep -m1 '/debian/\?$' || true)}
  rm -rf "$dir"
  debootstrap --variant=minbase --include="$2" "$SUITE" "$dir" ${mirror:+"$mirror"} >"$STEP_LOG" 2>&1
  rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/* "$dir"/var/log/* "$dir"/usr/share/doc/* "$dir"/usr/share/man/*
  if [ -e "$dir/usr/bin/python3" ]; then # As in python's own image: pip installs, and "python" is there.
    rm -f "$dir"/usr/lib/python3*/EXTERNALLY-MANAGED
    ln -s /usr/bin/python3 "$dir/usr/local/bin/python"
  fi
  tar -C "$dir" --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$1.new" .
  rm -rf --one-file-system "$dir"
  mv "$1.new" "$1"
}

import_base() { # image archive key
  local container
  STEP_LOG=$CACHE/images/base.log
  container=$(buildah_here from scratch 2>"$STEP_LOG")
  {
    buildah_here add "$container" "$2" /
    buildah_here config --cmd bash --label "studious.base=$3" "$container"
    buildah_here commit --rm "$container" "$1"
  } >>"$STEP_LOG" 2>&1
}
