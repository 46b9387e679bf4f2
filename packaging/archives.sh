#!/usr/bin/env bash
# The command as archives (kubectl's plugin manager installs them), its bill of materials and the checksums of everything, from the
# binaries that packaging/wheels.sh left. Usage: packaging/archives.sh, into target/archives
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
out=target/archives
rm -rf "$out"
mkdir -p "$out"
for binary in target/*-unknown-linux-gnu/dist/studious; do
  [ -x "$binary" ] || { echo "no binaries: run packaging/wheels.sh first" >&2; exit 1; }
  case $binary in
    */x86_64-*) machine=amd64 ;;
    */aarch64-*) machine=arm64 ;;
    *) echo "unknown machine of $binary" >&2; exit 1 ;;
  esac
  folder=$(mktemp -d)
  install -m 0755 "$binary" "$folder/kubectl-study"
  ln -s kubectl-study "$folder/studious"
  cp LICENSE "$folder/"
  # The same files give the same archive.
  tar --create --gzip --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --file "$out/studious-$version-linux-$machine.tar.gz" --directory "$folder" LICENSE kubectl-study studious
  rm -r "$folder"
done
command -v cargo-cyclonedx >/dev/null || cargo install --quiet --locked cargo-cyclonedx@0.5.9
cargo cyclonedx --manifest-path operator/studious/Cargo.toml --format json --override-filename studious.cdx
mv operator/studious/studious.cdx.json "$out/studious-$version.cdx.json"
# cargo-cyclonedx writes one beside each crate of the workspace.
git ls-files --others --exclude-standard -- '*.cdx.json' | xargs --no-run-if-empty rm --
packaging/krew.sh "$version" "$out" >"$out/study.yaml"
(cd "$out" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
if compgen -G 'target/wheels/*.whl' >/dev/null; then
  (cd target/wheels && sha256sum -- *.whl) >>"$out/SHA256SUMS"
fi
