#!/usr/bin/env python3
"""A deterministic trainer that keeps a log of its own of what it did, apart from metrics.jsonl.

The log, ``$FAULTS_LOG/<trial>.jsonl``, lies on the claim, so that it outlives pods and nodes. It is
what the export of the study is compared with: see main.rs.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["STUDIOUS_TRIAL_DIR"])
TRIAL = json.loads((FOLDER / "trial.json").read_text())
ATTEMPT = TRIAL["attempt"]
STEPS = TRIAL["maxTrainSteps"]
EVERY = TRIAL["evaluation"]["everySteps"]
LIMIT = TRIAL["checkpoint"].get("restoreAtMost")
LOGS = Path(os.environ["FAULTS_LOG"])
SECONDS = float(os.environ.get("FAULTS_SECONDS_PER_EVALUATION", "0"))
HELD = os.environ.get("FAULTS_HOLD")  # this trial doesn't end before $FAULTS_LOG/go is there


def append(path: Path, **line: object) -> None:
    """Append one line, whole or not at all: a kill can't come in the middle of one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, (json.dumps(line) + "\n").encode())
    os.close(descriptor)


def note(**line: object) -> None:
    """Append to the log that Studious knows nothing of."""
    append(LOGS / f"{TRIAL['name']}.jsonl", attempt=ATTEMPT, **line)


def report(**line: object) -> None:
    """Append to metrics.jsonl."""
    append(FOLDER / "metrics.jsonl", **line)


def fingerprint(step: int) -> str:
    """Stand in for the SHA-256 of real parameters."""
    text = f"checkpoint {step}" if step else f"init {TRIAL['seeds']['init']}"
    return hashlib.sha256(text.encode()).hexdigest()


def restored_step() -> int:
    """Read the step of the last checkpoint that is to be used, or 0."""
    saved = (int(file.name.removeprefix("step-")) for file in (FOLDER / "restore").glob("step-*"))
    return max((step for step in saved if LIMIT is None or step <= LIMIT), default=0)


def remove_later(step: int) -> None:
    """Remove checkpoints that training goes through again."""
    for file in (FOLDER / "checkpoints").glob("step-*"):
        if int(file.name.removeprefix("step-")) > step:
            file.unlink(missing_ok=True)


def is_latest() -> bool:
    """Whether no later attempt has left its mark: one whose node is cut off may still run."""
    marks = (FOLDER / "checkpoints").glob("attempt-*")
    return all(int(mark.name.removeprefix("attempt-")) <= ATTEMPT for mark in marks)


def save(step: int) -> None:
    """Keep the step, whole or not at all."""
    folder = FOLDER / "checkpoints"
    if not is_latest():
        sys.exit("a later attempt runs")
    new = folder / f".step.{ATTEMPT}.new"
    new.write_text(str(step))
    new.replace(folder / f"step-{step}")
    note(saved=step)
    report(event="checkpoint", step=step, parameters_sha256=fingerprint(step))


def loss_at(step: int) -> float:
    """Near, as the run goes on, a parabola whose minimum depends on the arm: see compare.rs."""
    x: float = TRIAL["hyperparameters"]["x"]
    distance = x - ["a", "b", "c"].index(TRIAL["hyperparameters"]["arm"])
    return distance * distance + 0.1 + 1.0 / step


def evaluate(step: int) -> None:
    """Report the objective. The attempt is a metric too: the export then shows whose counts."""
    report(step=step, validation_error=loss_at(step), attempt=ATTEMPT)
    note(step=step, value=loss_at(step))


def main() -> None:
    """Run the trial."""
    (FOLDER / "checkpoints").mkdir(exist_ok=True)
    (FOLDER / "checkpoints" / f"attempt-{ATTEMPT}").touch()
    step = restored_step()
    if LIMIT is not None:
        remove_later(LIMIT)
    note(restored=step, **({} if LIMIT is None else {"limit": LIMIT}))
    init = {"parameters_sha256": fingerprint(step), "init_seed": TRIAL["seeds"]["init"]}
    restored = {"restored_step": step} if step else {}
    report(event="init", **init, data_seed=TRIAL["seeds"]["data"], **restored)
    hyperparameters = TRIAL["hyperparameters"]
    can_be_trained = hyperparameters["arm"] != "c" or hyperparameters["x"] < 4.0
    if step:
        # The attempt before may have been lost between this checkpoint and its evaluation.
        evaluate(step)
    while step < STEPS:
        step += EVERY
        time.sleep(SECONDS)
        while step == STEPS and HELD == TRIAL["name"] and not (LOGS / "go").exists():
            time.sleep(0.2)
        if step > STEPS // 2 and not can_be_trained:
            note(infeasible=True)
            report(event="infeasible", reason="x is outside what arm c can do")
            return
        # At once: whatever is lost with a pod in this moment must come again.
        evaluate(step)
        save(step)
    note(done=True)
    report(event="done", step=STEPS)


if __name__ == "__main__":
    main()
