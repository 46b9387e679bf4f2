"""A trainer that needs nothing: an error that falls with the steps, best for learning rates near 0.1."""

import json
import math
import os
import pathlib
import sys
import time

folder = pathlib.Path(os.environ["STUDIOUS_TRIAL_DIR"])
trial = json.loads((folder / "trial.json").read_text())
rate = trial["hyperparameters"]["learning_rate"]
seeds = trial["seeds"]
steps = trial["maxTrainSteps"]
every = trial["evaluation"]["everySteps"]
pause = float(os.environ.get("PAUSE", "0"))
with (folder / "metrics.jsonl").open("a") as metrics:

    def say(line: dict[str, object]) -> None:
        metrics.write(json.dumps(line) + "\n")
        metrics.flush()

    say({"event": "init", "parameters_sha256": f"{seeds['init']:064x}", "init_seed": seeds["init"], "data_seed": seeds["data"]})
    for step in range(every, steps + 1, every):
        time.sleep(pause)
        if rate > 3:
            say({"step": step, "train_loss": math.nan})
            sys.exit(0)
        shape = 0.02 + 0.05 * math.log10(rate / 0.1) ** 2
        fall = math.exp(-4 * step / steps)
        say({"step": step, "validation_error": shape + 0.9 * fall, "train_loss": shape + 2.3 * fall, "gradient_norm": 1 + fall})
    say({"event": "done", "step": steps})
