"""``python -m studious.bridges read|report TOOL``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from studious._errors import StudiousError
from studious.bridges import _mlflow, _optuna, _ray, _records, _table, _wandb
from studious.bridges._tensorboard import TensorBoardReporter

_LIBRARIES = {"alembic", "mlflow", "optuna", "requests", "sqlalchemy", "urllib3", "wandb"}
"""Their exceptions are about what the user named, not about this package."""


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m studious.bridges", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    read = commands.add_parser("read", help="make another tool's trials those of a study file")
    read.add_argument("tool", choices=["optuna", "mlflow", "ray", "wandb"])
    read.add_argument(
        "storage",
        help="Optuna's storage, MLflow's tracking URI, the folder of a Ray Tune experiment or of "
        "offline runs of W&B",
    )
    read.add_argument("--name", help="the Optuna study or MLflow experiment")
    read.add_argument("--study", required=True, help="the study file that the trials are held to")
    read.add_argument("--metric", help="the study's objective metric [default: of the study file]")
    read.add_argument("--objective", help="what MLflow, Ray or W&B call it [default: the same]")
    read.add_argument(
        "--step", help="the result of Ray Tune that is the step [default: training_iteration]"
    )
    read.add_argument("--map", action="append", default=[], metavar="HYPERPARAMETER=THEIRS")
    read.add_argument("--round", help="the round that all of them belong to")
    read.add_argument(
        "--skip-invalid", action="store_true", help="leave wrong trials out, and name them"
    )
    read.add_argument("--out", default="-", help="[default: standard output]")

    report = commands.add_parser("report", help="show a study in another tool")
    report.add_argument("tool", choices=["mlflow", "tensorboard", "wandb"])
    report.add_argument("target", help="the folder of a run, or study/NAME of a cluster")
    report.add_argument(
        "--to", required=True, help="MLflow's tracking URI; a folder for the others"
    )
    report.add_argument(
        "--experiment", help="MLflow's experiment, W&B's project [default: the study's name]"
    )
    report.add_argument(
        "--follow", type=float, metavar="SECONDS", help="report again so often, until it is done"
    )
    return top


def _read(given: argparse.Namespace) -> int:
    if given.step is not None and given.tool != "ray":
        raise StudiousError(f"read {given.tool}: --step: is for ray only. Leave it out")
    metric, direction = _table.objective(given.study)
    if given.metric not in (None, metric):
        raise StudiousError(
            f"--metric: `{given.metric}`; the objective of {given.study} is {metric}. "
            "What another tool calls it is given with --objective"
        )
    names = {given.objective or metric: metric}
    if given.tool == "optuna":
        trials = _optuna.trials(given.storage, given.name, metric, direction)
    elif given.tool == "wandb":
        trials = _wandb.trials(given.storage, names)
    elif given.tool == "ray":
        trials = _ray.trials(given.storage, names, given.step or "training_iteration")
    elif given.name is None:
        raise StudiousError("read mlflow: --name is missing. Name the experiment")
    else:
        trials = _mlflow.trials(given.storage, given.name, names)
    options: list[str] = []
    for one in given.map:
        own, is_pair, theirs = one.partition("=")
        if not is_pair:
            raise StudiousError(f"--map: `{one}`; expected HYPERPARAMETER=THEIRS")
        options += ["--map", f"{own}=hyperparameters.{theirs}"]
    if given.round:
        options += ["--round", given.round]
    if given.skip_invalid:
        options.append("--skip-invalid")
    return _table.import_trials(trials, given.study, given.out, options)


def _report(given: argparse.Namespace) -> int:
    source = _records.source([given.target])
    study = source.study()
    name = study["name"]
    reporter: _records.Reporter
    if given.tool == "mlflow":
        reporter = _mlflow.MlflowReporter(given.to, given.experiment or name, name)
    elif given.tool == "wandb":
        reporter = _wandb.WandbReporter(given.to, given.experiment or name, name)
    else:
        reporter = TensorBoardReporter(given.to, study["spec"]["objective"]["metric"])
    seen = _records.report(source, reporter, given.follow)
    print(f"{name}: {seen} trials are in {given.to}", file=sys.stderr)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status of the process."""
    given = _parser().parse_args(arguments)
    try:
        return _read(given) if given.command == "read" else _report(given)
    except StudiousError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # What a tool's library makes of a wrong address or a damaged storage.
        if type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        where = given.storage if given.command == "read" else given.to
        told = str(error).partition("\n")[0]
        print(f"error: {given.tool}: {where}: {type(error).__name__}: {told}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
