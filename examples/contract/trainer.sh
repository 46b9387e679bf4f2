#!/bin/sh
# A trainer in plain POSIX shell: it knows the trainer contract and nothing else. It needs awk, sed, sha256sum and
# sleep, which every small image has. What it does is chosen by the hyperparameter `behaviour`, see README.md.
#
# Hyperparameters come from the environment (HP_<NAME>), everything else from trial.json.
set -eu
cd "$STUDIOUS_TRIAL_DIR"

# One number of trial.json by its key; the keys read here are unique in it, or the first of their name is meant.
number() { tr -d '\n' <trial.json | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\([0-9][0-9]*\).*/\1/p"; }
# One number inside one object: within OBJECT KEY.
within() { tr -d '\n' <trial.json | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*{[^}]*\"$2\"[[:space:]]*:[[:space:]]*\([0-9][0-9]*\).*/\1/p"; }
log() { printf '%s\n' "$1" >>metrics.jsonl; }
fingerprint() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }
calculate() { awk "BEGIN { printf \"%.9g\", $1 }"; }

steps=$(number maxTrainSteps)
attempt=$(number attempt)
host=$(within host index)
every=$(within evaluation everySteps)
save_every=$(within checkpoint everySteps)
at_most=$(within checkpoint restoreAtMost)
init_seed=$(within seeds init)
data_seed=$(within seeds data)
pause=${CONTRACT_SECONDS_PER_STEP:-0.005}

save() { # whole or not at all: written beside, then renamed. Only host 0 may; its folder is every host's restore/.
  mkdir -p checkpoints
  printf '%s' "$1" >checkpoints/step.new
  mv checkpoints/step.new checkpoints/step
  log "{\"event\":\"checkpoint\",\"step\":$1,\"parameters_sha256\":\"$(fingerprint "checkpoint $1")\"}"
}

step=0
restored=
parameters=$(fingerprint "init $init_seed")
if [ -f restore/step ] && [ "$(cat restore/step)" -le "${at_most:-$steps}" ]; then
  step=$(cat restore/step)
  restored=",\"restored_step\":$step"
  parameters=$(fingerprint "checkpoint $step")
fi
[ "$HP_BEHAVIOUR" != seed-mismatch ] || parameters=$(fingerprint "$parameters $host")
[ "$HP_BEHAVIOUR" = unseeded ] ||
  log "{\"event\":\"init\",\"parameters_sha256\":\"$parameters\",\"init_seed\":$init_seed,\"data_seed\":$data_seed$restored}"

case $HP_BEHAVIOUR in
  infeasible)
    log '{"event":"infeasible","reason":"x is outside what this trainer can do"}'
    exit 0
    ;;
  infeasible-exit) exit 3 ;;
  out-of-memory) exit 137 ;; # what a shell says of a process that was killed
  memory)
    # tail keeps a last line in memory until it knows its end. The kernel may kill it alone: then the shell goes too.
    bytes=$((${CONTRACT_MEMORY_MEGABYTES:-1024} * 1000000))
    held=$(head -c "$bytes" /dev/zero | tr '\0' x | tail -n 1 | wc -c)
    echo "held $((held)) bytes"
    [ "$held" -eq "$bytes" ] || exit 137
    ;;
  hang)
    echo 'waiting for something that never comes'
    exec sleep 86400
    ;;
  gigabytes)
    awk -v megabytes="${CONTRACT_MEGABYTES:-300}" 'BEGIN {
      line = "{\"step\":1,\"train_loss\":1.0"
      for (i = 0; i < 30; i++) line = line sprintf(",\"activation_mean_%02d\":0.123456789", i)
      line = line "}"
      for (bytes = 0; bytes < megabytes * 1000000; bytes += length(line) + 1) print line
    }' >>metrics.jsonl
    ;;
esac

loss_at() { calculate "(($HP_X) - 1) ^ 2 + 0.1 + 1 / $1"; } # a parabola with its minimum, 0.1, at x = 1
if [ "$host" -eq 0 ] && [ "$step" -gt 0 ] && { [ $((step % every)) -eq 0 ] || [ "$step" -eq "$steps" ]; }; then
  # The attempt before may have been lost between this checkpoint and its evaluation.
  log "{\"step\":$step,\"validation_error\":$(loss_at "$step")}"
fi
while [ "$step" -lt "$steps" ]; do
  step=$((step + 1))
  sleep "$pause"
  loss=$(loss_at "$step")
  if [ "$HP_BEHAVIOUR" = diverge ] && [ "$step" -gt $((steps / 2)) ]; then
    # The reader of the metrics must end this run: it continues, and would never say so itself.
    log "{\"step\":$step,\"train_loss\":NaN}"
    sleep "${CONTRACT_PATIENCE_SECONDS:-30}"
    exit 1
  fi
  if [ $((step % 5)) -eq 0 ]; then
    log "{\"step\":$step,\"train_loss\":$loss,\"examples_per_second\":$(calculate "1 / ($pause + 0.000001)")}"
    [ "$HP_BEHAVIOUR" != malformed ] ||
      printf '%s\n' 'loss is fine, thank you' '{"step": 3, "train_loss": }' '[1, 2]' '{"step": "four", "train_loss": 1}' >>metrics.jsonl
  fi
  if [ "$HP_BEHAVIOUR" = long-line ] && [ "$step" -eq 10 ]; then
    log "$(awk 'BEGIN { printf "{\"step\":10,\"padding_"; for (i = 0; i < 100000; i++) printf "x"; printf "\":1}" }')"
  fi
  if [ "$host" -eq 0 ] && [ "$HP_BEHAVIOUR" != silent ] && { [ $((step % every)) -eq 0 ] || [ "$step" -eq "$steps" ]; }; then
    log "{\"step\":$step,\"validation_error\":$loss}"
  fi
  if [ "$host" -eq 0 ] && [ -n "$save_every" ] && { [ $((step % save_every)) -eq 0 ] || [ "$step" -eq "$steps" ]; }; then
    save "$step"
  fi
  case $HP_BEHAVIOUR:$attempt in
    crash:* | crash-first-attempt:1)
      if [ "$step" -gt $((steps / 2)) ]; then
        echo 'this is the crash that was asked for' >&2
        exit 1
      fi
      ;;
  esac
done
if [ "$HP_BEHAVIOUR" = half-line ]; then # as one that dies in the middle of a line
  printf '%s' '{"step": 99999, "validation_er' >>metrics.jsonl
  exit 0
fi
log "{\"event\":\"done\",\"step\":$steps}"
[ "$HP_BEHAVIOUR" != crash-after-done ] || exit 1
