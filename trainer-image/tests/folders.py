"""Trial folders as Studious lays them out, made by hand; and what a trainer left in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]

EXAMPLE: Json = {
    "study": "digits",
    "name": "digits-explore-0007",
    "round": "explore",
    "attempt": 1,
    "hyperparameters": {"optimizer": "nesterov", "learning_rate": 0.013},
    "maxTrainSteps": 500,
    "schedule": {
        "family": "Cosine",
        "base": 0.013,
        "warmupSteps": 25,
        "constantSteps": 0,
        "decaySteps": 475,
        "endFactor": 0.0,
    },
    "objective": {"metric": "validation_error", "direction": "Minimize"},
    "evaluation": {"everySteps": 50},
    "checkpoint": {"everySteps": 100, "keepBest": 1},
    "seeds": {"init": 7241, "data": 99, "split": 5},
    "host": {"index": 0, "count": 1, "coordinator": None},
}


def lay(folder: Path, **changes: Any) -> Path:
    """Write trial.json into a folder, the example's with these top-level fields changed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trial.json").write_text(json.dumps(EXAMPLE | changes))
    return folder


def lines(folder: Path) -> list[Json]:
    """Every line of metrics.jsonl; fails on a line that is not JSON."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def events(folder: Path, name: str) -> list[Json]:
    return [line for line in lines(folder) if line.get("event") == name]


def curve(folder: Path, metric: str) -> list[tuple[int, float]]:
    return [(line["step"], line[metric]) for line in lines(folder) if metric in line]


def start(folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    """Start a trainer in a trial folder, as a fleet does."""
    return subprocess.Popen(
        command,
        env={**os.environ, "STUDIOUS_TRIAL_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *command: str, seconds: int = 240, **environment: str) -> tuple[int, str]:
    """Run a trainer to its end; the exit status and all it printed."""
    process = start(folder, *command, **environment)
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, output


DIGITS = (sys.executable, "-m", "studious_trainer.digits")
