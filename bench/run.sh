#!/usr/bin/env bash
# Compares Studious' searches with its peers': makes an environment, runs what results/ lacks, times a suggestion, compares
# discrepancies, and writes the tables and plots of docs/search.md. An interrupted run goes on where it stopped.
#   ./run.sh                                        everything; hours, most of them Vizier's
#   ./run.sh --methods studious tpe --seeds 2 --batch 1 --problems mlp-digits heavy-ball
# Options are those of `python -m search_bench run`. With any of them, times and discrepancies aren't measured again.
# STUDIOUS names the command to compare; else it is what `make release` built.
set -euo pipefail
cd "$(dirname "$0")"
cache=${STUDIOUS_CACHE:-$HOME/.cache/studious}/bench
python=${PYTHON:-python3}
export STUDIOUS=${STUDIOUS:-$PWD/../target/release/studious}
"$STUDIOUS" suggest --help >/dev/null || {
  echo "run.sh: '$STUDIOUS' is no studious that can suggest points. Build it: make release" >&2
  exit 1
}
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
pins=$(sha256sum <requirements.txt | cut -c1-16)
environment=$cache/peers-$pins
if [ ! -e "$environment/ready" ]; then
  rm -rf "$cache"/peers-*
  "$python" -m venv "$environment"
  echo "installing the peers (some gigabytes: torch)"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
  touch "$environment/ready"
fi
exec 9>&-
# One core each; what Vizier compiles is kept.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" JAX_COMPILATION_CACHE_DIR="$cache/jax"
python=$environment/bin/python
"$python" -m search_bench run "$@"
if [ $# = 0 ]; then
  "$python" -m search_bench time
  "$python" -m search_bench discrepancy
fi
"$python" -m search_bench report
