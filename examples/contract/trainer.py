#!/usr/bin/env python3
"""A trainer in the standard library alone: it knows the trainer contract and nothing else.

What it does is chosen by the hyperparameter ``behaviour``. Most of them are what real trainers do
when they go wrong, so that a backend can be shown to lose nothing else by it; README.md lists them.
"""

import hashlib
import json
import math
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["STUDIOUS_TRIAL_DIR"])
TRIAL = json.loads((FOLDER / "trial.json").read_text())
HOST = TRIAL["host"]["index"]
STEPS = TRIAL["maxTrainSteps"]
SECONDS_PER_STEP = float(os.environ.get("CONTRACT_SECONDS_PER_STEP", "0.005"))
MEGABYTES = int(os.environ.get("CONTRACT_MEGABYTES", "300"))
MEMORY_MEGABYTES = int(os.environ.get("CONTRACT_MEMORY_MEGABYTES", "1024"))
PATIENCE = float(
    os.environ.get("CONTRACT_PATIENCE_SECONDS", "30")
)  # how long a doomed run waits to be ended


def write(text: str) -> None:
    """Append to metrics.jsonl as it stands; a line of JSON, if the behaviour is a good one."""
    with (FOLDER / "metrics.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(text)


def log(**line: object) -> None:
    """Append a measurement or an event."""
    write(json.dumps(line) + "\n")


def fingerprint(text: str) -> str:
    """Stand in for the SHA-256 of real parameters."""
    return hashlib.sha256(text.encode()).hexdigest()


def restored_step() -> int:
    """Read the step of host 0's last checkpoint, or 0 if there is none or it is not to be used."""
    limit = (TRIAL.get("checkpoint") or {}).get("restoreAtMost", STEPS)
    try:
        step = int((FOLDER / "restore" / "step").read_text())
    except FileNotFoundError:
        return 0
    return step if step <= limit else 0


def save(step: int) -> None:
    """Keep the step, whole or not at all. Only host 0 may; its folder is every host's restore/."""
    folder = FOLDER / "checkpoints"
    folder.mkdir(exist_ok=True)
    (folder / "step.new").write_text(str(step))
    (folder / "step.new").replace(folder / "step")
    log(event="checkpoint", step=step, parameters_sha256=fingerprint(f"checkpoint {step}"))


def loss_at(step: int) -> float:
    """Near, as the run continues, a parabola with its minimum, 0.1, at x = 1."""
    x: float = TRIAL["hyperparameters"]["x"]
    return (x - 1.0) ** 2 + 0.1 + 1.0 / step


def main() -> int:
    """Run the trial; the exit status of the process."""
    behaviour = TRIAL["hyperparameters"]["behaviour"]
    step = restored_step()
    if behaviour != "unseeded":
        same_everywhere = fingerprint(
            f"checkpoint {step}" if step else f"init {TRIAL['seeds']['init']}"
        )
        mine = (
            fingerprint(f"{same_everywhere} {HOST}")
            if behaviour == "seed-mismatch"
            else same_everywhere
        )
        init = {"event": "init", "parameters_sha256": mine}
        init |= {"init_seed": TRIAL["seeds"]["init"], "data_seed": TRIAL["seeds"]["data"]}
        log(**init, **({"restored_step": step} if step else {}))

    match behaviour:
        case "infeasible":
            log(event="infeasible", reason="x is outside what this trainer can do")
            return 0
        case "infeasible-exit":
            return 3
        case "out-of-memory":
            return 137  # a shell's code for a process that was killed
        case "memory":
            taken = b"x" * (MEMORY_MEGABYTES * 1_000_000)
            print(f"holding {len(taken)} bytes", flush=True)
        case "hang":
            print("waiting for something that never comes", flush=True)
            time.sleep(86_400)
        case "gigabytes":
            flood()

    every = TRIAL["evaluation"]["everySteps"]
    save_every = (TRIAL.get("checkpoint") or {}).get("everySteps")
    if HOST == 0 and step > 0 and (step % every == 0 or step == STEPS):
        # The attempt before may have been lost between this checkpoint and its evaluation.
        log(step=step, validation_error=loss_at(step))
    while step < STEPS:
        step += 1
        time.sleep(SECONDS_PER_STEP)
        loss = loss_at(step)
        if behaviour == "diverge" and step > STEPS // 2:
            # The reader of the metrics must end this run: it would never say so itself.
            log(step=step, train_loss=math.nan)
            time.sleep(PATIENCE)
            return 1
        if step % 5 == 0:
            log(step=step, train_loss=loss, examples_per_second=1.0 / max(SECONDS_PER_STEP, 1e-6))
        if behaviour == "malformed" and step % 5 == 0:
            write("loss is fine, thank you\n")
            write('{"step": 3, "train_loss": }\n[1, 2]\n{"step": "four", "train_loss": 1}\n')
        if behaviour == "long-line" and step == 10:
            write('{"step": 10, "padding_' + "x" * 100_000 + '": 1}\n')
        if HOST == 0 and behaviour != "silent" and (step % every == 0 or step == STEPS):
            log(step=step, validation_error=loss)
        if HOST == 0 and save_every and (step % save_every == 0 or step == STEPS):
            save(step)
        crashes = behaviour == "crash" or (
            behaviour == "crash-first-attempt" and TRIAL["attempt"] == 1
        )
        if crashes and step > STEPS // 2:
            print("this is the crash that was asked for", file=sys.stderr, flush=True)
            return 1
    if behaviour == "half-line":  # as one that dies in the middle of a line
        write('{"step": 99999, "validation_er')
        return 0
    log(event="done", step=STEPS)
    return 1 if behaviour == "crash-after-done" else 0


def flood() -> None:
    """Write CONTRACT_MEGABYTES of well-formed lines as fast as the disk takes them."""
    metrics = {f"activation_mean_{number:02d}": 0.123456789 for number in range(30)}
    line = json.dumps({"step": 1, "train_loss": 1.0, **metrics}) + "\n"
    block = line * (1_000_000 // len(line))
    for _ in range(MEGABYTES):
        write(block)


if __name__ == "__main__":
    sys.exit(main())
