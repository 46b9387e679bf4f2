"""The studious command, and a study that it ran: what notebooks look at."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

# A trainer in a line of shell: large rates diverge, others get better towards 0.3.
STUDY = """
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: valley}
spec:
  goal: Where is the <valley>?
  objective: {metric: loss, direction: Minimize}
  constraints: [{metric: latency_ms, max: 20}]
  hyperparameters:
  - {name: optimizer, role: Scientific, values: [plain, fancy]}
  - {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
  - {name: step, when: {optimizer: [fancy]}, range: {min: 1, max: 9, integer: true}}
  rounds: [{name: explore, trials: 12, maxTrainSteps: 20}]
  parallelism: 4
  evaluation: {everySteps: 5}
  trial:
    template:
      spec:
        containers:
        - name: trainer
          command:
          - sh
          - -c
          - |
            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl
            for s in 5 10 15 20; do
              awk -v lr=$HP_LEARNING_RATE -v s=$s 'BEGIN {
                d = log(lr / 0.3); v = d * d / 10 + 1 / s
                if (lr > 2) v = "NaN"
                printf "{\\"step\\":%d,\\"loss\\":%s,\\"latency_ms\\":%d}\\n", s, v, 10 + s }' >> $m
            done
            echo '{"event":"done","step":20}' >> $m
"""


def command() -> str:
    """The built command, as test.sh names it; else the one on the path."""
    given = os.environ.get("STUDIOUS_BINARY", "")
    found = shutil.which(given or "studious")
    if found is None:
        pytest.fail(f"command not found: {given or 'studious'}. Build it: cargo build -p studious")
    return found


def studious(folder: Path, *arguments: str) -> str:
    """Call the command in a folder; its standard output."""
    done = subprocess.run(
        [command(), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ran(folder: Path, options: Sequence[str] = ()) -> Path:
    """Run the study in a folder; the run's."""
    (folder / "study.yaml").write_text(STUDY)
    studious(folder, "run", "study.yaml", "--quiet", *options)
    return folder / "studious-runs" / "valley"
