"""Writes tables/, the tables of the tests, with the tools themselves: optuna 5.0.0, mlflow-skinny 3.17.2, pandas 3, polars 2.1.

    pip install optuna==5.0.0 mlflow-skinny==3.17.2 pandas sqlalchemy polars==2.1.0 && python tables.py [optuna mlflow polars]

Each searches lr (a real number) and sched (None or cosine), as the study in importing_tools.rs does. One point diverges, one
raises, one is pruned, one waits or runs.
"""

import math
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent / "tables"
POINTS = [(0.1, None), (0.2, "cosine"), (0.3, "cosine"), (0.4, None), (0.30000000000000004, "cosine")]


def loss(lr: float, step: int) -> float:
    return round(abs(lr - 0.25) + 1 / step, 6)


def of_optuna() -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: "optuna.Trial") -> float:
        lr = trial.suggest_float("lr", 0.01, 1, log=True)
        sched = trial.suggest_categorical("sched", [None, "cosine"])
        if lr == 0.2:
            return math.nan
        if lr == 0.3:
            raise RuntimeError("the machine is gone")
        for step in (10, 20):
            trial.report(loss(lr, step), step)
            if lr == 0.4:
                raise optuna.TrialPruned
        return loss(lr, 20) + (0.001 if sched else 0)

    study = optuna.create_study()
    for lr, sched in POINTS:
        study.enqueue_trial({"lr": lr, "sched": sched})
    study.optimize(objective, n_trials=len(POINTS), catch=(RuntimeError,))
    study.enqueue_trial({"lr": 0.5})
    study.trials_dataframe().to_csv(ROOT / "optuna.csv")
    # The same with the states as Optuna's enumeration, and without what a spreadsheet leaves out.
    frame = study.trials_dataframe(attrs=("number", "value", "params", "state"))
    frame.to_csv(ROOT / "optuna-semicolon.csv", sep=";", decimal=",", index=False, encoding="utf-8-sig")
    frame.to_csv(ROOT / "optuna-tab.tsv", sep="\t", index=False)
    frame.to_json(ROOT / "optuna.json", orient="records")


def of_mlflow() -> None:
    with tempfile.TemporaryDirectory() as store:
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        import mlflow

        mlflow.set_tracking_uri(f"file:{store}/runs")
        with mlflow.start_run(run_name="parent"):
            mlflow.log_metric("n_trials", 5)
            for i, (lr, sched) in enumerate(POINTS):
                with mlflow.start_run(nested=True, run_name=f"t{i}"):
                    mlflow.log_params({"lr": lr, "sched": sched})
                    if lr != 0.2:
                        mlflow.log_metric("loss", loss(lr, 20), step=20)
                    else:
                        mlflow.log_metric("loss", math.nan, step=20)
        run = mlflow.start_run(run_name="crashed")
        mlflow.log_param("lr", 0.7)
        mlflow.end_run("FAILED")
        frame = mlflow.search_runs(search_all_experiments=True)
        # Paths and users of the machine are nobody's business.
        frame = frame.drop(columns=[name for name in frame if name.startswith("tags.") or name == "artifact_uri"])
        frame.to_csv(ROOT / "mlflow.csv", index=False)


def of_polars() -> None:
    import polars

    rows = [{"name": f"t{i}", "lr": lr, "sched": sched or "none", "loss": loss(lr, 20)} for i, (lr, sched) in enumerate(POINTS)]
    # zstd is what polars writes unless it is told otherwise.
    for compression in ("zstd", "gzip", "lz4", "snappy"):
        polars.DataFrame(rows).write_parquet(ROOT / f"polars-{compression}.parquet", compression=compression)


ROOT.mkdir(exist_ok=True)
for tool in sys.argv[1:] or ["optuna", "mlflow", "polars"]:
    {"optuna": of_optuna, "mlflow": of_mlflow, "polars": of_polars}[tool]()
