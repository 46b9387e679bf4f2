# shellcheck shell=bash
# Builds the cluster's binaries from the Go modules beside this folder, into the cache, once for each state of their go.mod and go.sum.

# Sets BIN to the folder of the binaries for this state; builds nothing.
locate_binaries() {
  local key
  key=$(cd "$HERE" && cat go.mod go.sum etcd/go.* coredns/go.* coredns/main.go provisioner/go.* provisioner/main.go helm/go.* steps/build.sh | sha256sum | cut -c1-16)
  BIN=$CACHE/cluster/bin-$key
}

verb_build() {
  locate_binaries
  mkdir -p "$CACHE/cluster"
  # One build at a time: a second waits, and then finds everything there.
  exec 8>"$CACHE/cluster/build.lock"
  flock 8
  if [ -f "$BIN/complete" ]; then
    touch "$BIN/complete"
  else
    need_commands go || die "Go is missing: install Go $(awk '$1 == "go" {print $2}' "$HERE/go.mod") or later and put it on PATH"
    mkdir -p "$BIN"
    step "build etcd" build_module etcd etcd go.etcd.io/etcd/server/v3
    step "build CoreDNS" build_module coredns coredns .
    step "build the volume provisioner" build_module provisioner provisioner .
    step "build helm" build_module helm helm helm.sh/helm/v4/cmd/helm
    step "build Kubernetes (minutes the first time)" build_kubernetes
    touch "$BIN/complete"
    forget_old_binaries
  fi
  flock -u 8
}

# Go's own caches make a repeat quick, so a killed build goes on where it stopped.
build_module() { # folder binary package
  (cd "$HERE/$1" && go_build -ldflags '-s -w' -o "$BIN/$2" "$3")
}

build_kubernetes() {
  local version package flags='-s -w'
  cd "$HERE" || return
  version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
  [[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || die "e2e/cluster/go.mod: cannot read the version of k8s.io/kubernetes from '$version'"
  # What each says of itself, and what its requests say (the audit log's userAgent).
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=${BASH_REMATCH[1]} -X $package.gitMinor=${BASH_REMATCH[2]} -X $package.gitTreeState=clean -X $package.gitCommit=$version"
  done
  go_build -ldflags "$flags" -o "$BIN/" tool # "tool" stands for every tool that go.mod names
}

# -mod=readonly: what runs is what go.mod and go.sum say, or nothing.
go_build() { GOFLAGS='' GOWORK=off CGO_ENABLED=0 nice -n 10 go build -mod=readonly -buildvcs=false -trimpath "$@"; }

# Keeps the binaries of the three states used last; older ones are a few hundred MB each.
forget_old_binaries() {
  local old
  find "$CACHE/cluster" -maxdepth 2 -path '*/bin-*/complete' -printf '%T@ %h\n' | sort -rn | awk 'NR > 3 {print $2}' |
    while read -r old; do rm -rf "$old"; done
}
