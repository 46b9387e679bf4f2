#!/usr/bin/env bash
# The plots of docs/figures.md, from real trainings on scikit-learn's digits. A study whose trials.jsonl is missing is
# trained first (all seven: about a quarter of an hour on two cores); remove one to train it again.
#   make figures
set -euo pipefail
cd "$(dirname "$0")"
studious=${STUDIOUS:-$PWD/../../target/release/studious}
pictures=${PICTURES:-$PWD/../../docs/images/figures}
runs=${RUNS:-$PWD/../../studious-runs/playbook-figures}
studies=(bad-boundaries good-boundaries weight-decay infeasible-region too-few-trials warmup clipping)

# What the plots and findings need: no times, throughputs or seeds, which differ from machine to machine.
compact() {
  python3 -c '
import json, sys
KEPT = {"validation_error", "validation_loss", "train_loss", "gradient_norm", "learning_rate"}
for line in sys.stdin:
    trial = json.loads(line)
    curves = {name: curve for name, curve in trial.pop("curves", {}).items() if name in KEPT}
    kept = ("name", "round", "hyperparameters", "objective", "step", "infeasible", "failed", "stopped", "reason")
    short = {key: trial[key] for key in kept if key in trial}
    rounded = {name: [[step, float(f"{value:.6g}")] for step, value in curve] for name, curve in curves.items()}
    print(json.dumps({**short, "curves": rounded}, separators=(",", ":")))
'
}

for study in "${studies[@]}"; do
  if [ ! -e "$study/trials.jsonl" ]; then
    echo "training $study"
    (cd "$study" && "$studious" run study.yaml --dir "$runs/$study" --quiet >/dev/null)
    "$studious" export "$runs/$study" --format jsonl | compact >"$study/trials.jsonl.part"
    mv "$study/trials.jsonl.part" "$study/trials.jsonl"
  fi
done

# draw PICTURE STUDY WHAT …
draw() {
  local picture=$1 study=$2
  shift 2
  "$studious" plot --study "$study/study.yaml" --trials "$study/trials.jsonl" --format svg --width 520 --out - "$@" \
    >"$pictures/$picture.svg"
  echo "$pictures/$picture.svg"
}
mkdir -p "$pictures"
draw boundary-bad bad-boundaries --plot axis-learning_rate
draw boundary-good good-boundaries --plot axis-learning_rate
draw isolation weight-decay --plot isolation-weight_decay
draw enough infeasible-region --plot best-of-k
draw not-enough too-few-trials --plot best-of-k
draw edge-of-stability warmup --plot axis-learning_rate
draw infeasible-region infeasible-region --plot infeasible-map
draw warmup-loss warmup --beside warmup-explore-0039,warmup-explore-0040,warmup-explore-0041 --metric train_loss
draw warmup-isolation warmup --plot isolation-explore
draw begins warmup --plot begins-explore
draw clipping-axis clipping --plot axis-learning_rate
draw clipping-loss clipping --beside clipping-explore-0034,clipping-explore-0045 --metric train_loss
draw clipping-norms clipping --plot gradient-norms
