"""Write ``experiment`` beside this file by Ray Tune itself: ``python write.py`` with ``ray[tune]``.

Five trials, one after the other: two that train, one that diverges, one that fails twice, and one
that trains while the experiment is interrupted. Only what `python -m studious.bridges read ray`
reads is kept, without pickles and paths. The files in the repository were written by Ray 2.60.0.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray import tune

HERE = Path(__file__).parent
KEPT = ("params.json", "result.json", "error.txt", "experiment_state-*.json")
# Pickled values, as hexadecimal digits, and the lines of tracebacks hold paths of the machine.
PICKLED = re.compile(r"\b[0-9a-f]{64,}\b")
TRACEBACK = re.compile(r"^ .*\n", re.M)
DIVERGES, FAILS, INTERRUPTED = 3.0, 0.3, 0.1


def train(config: dict[str, Any]) -> None:
    """Report five evaluations of a loss that is least at a learning rate of 0.01."""
    rate = config["optimizer"]["lr"]
    for step in range(1, 6):
        loss = (np.log10(rate) + 2) ** 2 + config["width"] / 64 / step
        if rate == DIVERGES and step > 2:
            loss = np.float32("nan")
        if rate == FAILS and step == 3:
            raise RuntimeError("this trial fails")
        tune.report({"loss": loss, "val": {"error": float(loss) / 10}, "ok": True, "note": "text"})


class Interrupt(tune.Callback):  # type: ignore[misc]
    """Interrupt the experiment as Ctrl-C does, once the last trial has reported twice."""

    def on_trial_result(self, **info: Any) -> None:
        """Send SIGINT to this process."""
        rate = info["trial"].config["optimizer"]["lr"]
        if rate == INTERRUPTED and info["result"]["training_iteration"] == 2:
            os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Run the experiment, and copy what is kept of it."""
    ray.init(num_cpus=1, include_dashboard=False)
    with tempfile.TemporaryDirectory() as storage:
        rates = [0.003, 0.03, DIVERGES, FAILS, INTERRUPTED]
        tune.Tuner(
            train,
            param_space={"optimizer": {"lr": tune.grid_search(rates), "name": "sgd"}, "width": 32},
            tune_config=tune.TuneConfig(
                metric="loss", mode="min", max_concurrent_trials=1, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                name="experiment",
                storage_path=storage,
                callbacks=[Interrupt()],
                failure_config=tune.FailureConfig(max_failures=1),
            ),
        ).fit()
        written = Path(storage) / "experiment"
        for pattern in KEPT:
            for file in written.rglob(pattern):
                copy = HERE / "experiment" / file.relative_to(written)
                copy.parent.mkdir(parents=True, exist_ok=True)
                text = PICKLED.sub("", file.read_text(encoding="utf-8"))
                text = TRACEBACK.sub("", text) if pattern == "error.txt" else text
                copy.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
