"""Bridges to Optuna, MLflow and TensorBoard, against the real libraries."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.tracking
import optuna
import pytest

from studious.bridges import _records
from studious.bridges.__main__ import main

from folders import Json
from studies import command, studious

STUDY = """
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: s}
spec:
  goal: Which learning rate?
  objective: {metric: val_loss, direction: Minimize}
  hyperparameters:
  - {name: learning_rate, range: {min: 1.0e-5, max: 1, scale: Log}}
  - {name: optimizer, role: Scientific, values: [sgd, adam]}
  rounds: [{name: explore, trials: 20, maxTrainSteps: 100}]
  evaluation: {everySteps: 1}
  trial: {template: {spec: {containers: [{name: t, image: i, command: [x]}]}}}
"""


@pytest.fixture(autouse=True)
def _the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDIOUS_BINARY", command())
    (tmp_path / "study.yaml").write_text(STUDY)
    # Nothing may be found, or written, where nobody said so.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9/unreachable")


def read(*arguments: str) -> dict[str, Json]:
    options = ("--study", "study.yaml", "--metric", "val_loss", "--out", "trials.jsonl")
    assert main(["read", *arguments, *options]) == 0
    lines = Path("trials.jsonl").read_text().splitlines()
    return {line["name"]: line for line in map(json.loads, lines)}


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("lr", 1e-4, 1, log=True)
    trial.suggest_categorical("optimizer", ["sgd", "adam"])
    trial.suggest_int("layers", 1, 4)
    for step in range(1, 4):
        trial.report(rate + 1 / step, step)
    if trial.number == 3:
        raise optuna.TrialPruned
    if trial.number == 4:
        raise ValueError
    return rate if trial.number != 5 else float("inf")


def test_a_study_of_optuna_becomes_trials(capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = "sqlite:///optuna.db"
    study = optuna.create_study(study_name="old", storage=storage)
    study.optimize(objective, n_trials=6, catch=(ValueError,))
    study.ask()
    trials = read("optuna", storage, "--map", "learning_rate=lr", "--round", "explore")
    assert list(trials) == [f"old-{number:04d}" for number in range(6)]
    first = trials["old-0000"]
    params = study.trials[0].params
    assert first["hyperparameters"]["learning_rate"] == params["lr"]
    assert first["hyperparameters"]["optimizer"] == params["optimizer"]
    assert first["objective"] == study.trials[0].value
    assert first["round"] == "explore"
    curve = list(study.trials[0].intermediate_values.items())
    assert first["curves"] == {"val_loss": [[step, value] for step, value in curve]}
    assert trials["old-0003"]["stopped"]
    assert trials["old-0004"]["failed"]
    assert trials["old-0005"]["infeasible"]
    # The parameter that the study lacks is named, and that a trial was left out.
    said = capfd.readouterr().err
    assert "hyperparameters.layers" in said
    assert "old: 1 trials that have not ended" in said
    found = studious(Path.cwd(), "findings", "--study", "study.yaml", "--trials", "trials.jsonl")
    assert "old-000" in found


def test_what_is_wrong_is_said_of_the_trial(capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = "sqlite:///optuna.db"
    study = optuna.create_study(study_name="old", storage=storage)
    for rate, optimizer in [(0.1, "sgd"), (0.2, "two\nlines"), (100.0, "sgd")]:
        study.enqueue_trial({"lr": rate, "optimizer": optimizer})
        trial = study.ask()
        trial.suggest_float("lr", 1e-4, 100, log=True)
        trial.suggest_categorical("optimizer", ["sgd", "two\nlines"])
        trial.report(0.5, 1)
        study.tell(trial, 0.5)
    # The metric is the study file's, and so not asked for.
    options = ["--study", "study.yaml", "--map", "learning_rate=lr", "--out", "t.jsonl"]
    assert main(["read", "optuna", storage, *options, "--skip-invalid"]) == 0
    said = capfd.readouterr().err
    assert "old-0001: error: hyperparameters.optimizer: " in said
    assert "old-0002: error: hyperparameters.learning_rate: 100" in said
    assert ".csv" not in said
    assert len(Path("t.jsonl").read_text().splitlines()) == 1
    assert main(["read", "optuna", storage, *options, "--metric", "loss"]) == 1
    assert "`loss`; the objective of study.yaml is val_loss" in capfd.readouterr().err
    assert main(["read", "optuna", storage, "--study", "study.yaml", "--out", "none.jsonl"]) == 2
    said = capfd.readouterr().err
    assert "--map learning_rate=" in said
    assert "hyperparameters.lr" not in said
    Path("study.yaml").write_text(STUDY.replace("Minimize", "Minimise"))
    assert main(["read", "optuna", storage, *options]) == 1
    said = capfd.readouterr().err
    assert "Did you mean Minimize?" in said
    assert "error: --study: study.yaml is refused" in said


def test_an_experiment_of_mlflow_becomes_trials() -> None:
    uri = f"sqlite:///{Path.cwd()}/mlflow.db"  # MLflow keeps databases open by their URI.
    client = mlflow.tracking.MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("old")
    for rate, status in [(0.1, "FINISHED"), (0.2, "FAILED"), (0.3, "KILLED")]:
        run = client.create_run(experiment, run_name=f"rate {rate}").info.run_id
        client.log_param(run, "learning_rate", rate)
        client.log_param(run, "optimizer", "sgd")
        if status == "FINISHED":
            for step, value in [(2, 0.4), (1, 0.9), (2, 0.3)]:
                client.log_metric(run, "val/loss", value, step=step)
        client.set_terminated(run, status)
    trials = read("mlflow", uri, "--name", "old", "--objective", "val/loss")
    assert trials["rate 0.1"]["objective"] == 0.3
    assert trials["rate 0.1"]["hyperparameters"] == {"learning_rate": 0.1, "optimizer": "sgd"}
    # Of two values at a step the last one counts.
    assert trials["rate 0.1"]["curves"] == {"val_loss": [[1, 0.9], [2, 0.3]]}
    assert trials["rate 0.2"]["failed"]
    assert trials["rate 0.3"]["stopped"]


def test_an_infinity_that_the_database_of_mlflow_could_not_keep_is_infeasible() -> None:
    # Of its own name: MLflow keeps the connection of a URI.
    uri = f"sqlite:///{Path.cwd()}/infinities.db"
    client = mlflow.tracking.MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("old")
    for name, value in [("fine", 0.5), ("up", float("inf")), ("down", float("-inf"))]:
        run = client.create_run(experiment, run_name=name).info.run_id
        client.log_param(run, "learning_rate", 0.1)
        client.log_param(run, "optimizer", "sgd")
        client.log_metric(run, "val/loss", 0.9, step=1)
        client.log_metric(run, "val/loss", value, step=2)
        client.set_terminated(run, "FINISHED")
    trials = read("mlflow", uri, "--name", "old", "--objective", "val/loss")
    assert trials["fine"]["objective"] == 0.5
    assert trials["up"]["infeasible"]
    assert trials["down"]["infeasible"]


def test_a_direction_that_contradicts_optuna_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(study_name="up", storage="sqlite:///optuna.db", direction="maximize")
    arguments = ["read", "optuna", "sqlite:///optuna.db", "--study", "study.yaml"]
    assert main([*arguments, "--metric", "val_loss"]) == 1
    assert "its direction is Maximize" in capsys.readouterr().err


def runs(uri: str, experiment: str) -> dict[str, Any]:
    client = mlflow.tracking.MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return {run.info.run_name: run for run in client.search_runs([found.experiment_id])}


def exported(run: Path) -> dict[str, Json]:
    lines = map(json.loads, studious(run.parent, "export", str(run)).splitlines())
    return {line["name"]: line for line in lines}


def test_a_study_is_reported_to_mlflow_once_and_read_back(run: Path) -> None:
    uri = f"sqlite:///{Path.cwd()}/mlflow.db"  # MLflow keeps databases open by their URI.
    for _ in range(2):
        assert main(["report", "mlflow", str(run), "--to", uri, "--experiment", "mine"]) == 0
    reported, trials = runs(uri, "mine"), exported(run)
    parent = reported.pop("valley")
    assert parent.info.status == "FINISHED"
    assert set(reported) == set(trials)
    client = mlflow.tracking.MlflowClient(tracking_uri=uri)
    for name, trial in trials.items():
        child = reported[name]
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.info.status == "FINISHED"
        assert child.data.params.keys() == trial["hyperparameters"].keys()
        assert child.data.metrics.get("studious.objective") == trial.get("objective")
        for metric, points in trial["curves"].items():
            history = client.get_metric_history(child.info.run_id, metric)
            assert [[point.step, point.value] for point in history] == points

    study = str(run.parent.parent / "study.yaml")
    options = ("--study", study, "--metric", "loss", "--out", "back.jsonl")
    assert main(["read", "mlflow", uri, "--name", "mine", *options]) == 0
    back = {
        line["name"]: line for line in map(json.loads, Path("back.jsonl").read_text().splitlines())
    }
    for name, trial in trials.items():
        for field in ("hyperparameters", "objective", "infeasible", "reason", "round", "curves"):
            assert back[name].get(field) == trial.get(field)


def test_a_study_is_reported_to_tensorboard_and_imported_back(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "tensorboard", str(run), "--to", "events"]) == 0
    trials = exported(run)
    study = str(run.parent.parent / "study.yaml")
    text = studious(Path.cwd(), "import", "events", "--study", study)
    back = {line["name"]: line for line in map(json.loads, text.splitlines())}
    assert back.keys() == trials.keys()
    for name, trial in trials.items():
        assert back[name].get("infeasible") == trial.get("infeasible")
        if "objective" in trial:
            # Event files hold floats of 32 bits.
            assert back[name]["objective"] == pytest.approx(trial["objective"], rel=1e-6)
        for hyperparameter, value in trial["hyperparameters"].items():
            assert back[name]["hyperparameters"][hyperparameter] == value
    assert main(["report", "tensorboard", str(run), "--to", "events"]) == 1
    assert "events: is not empty" in capsys.readouterr().err


class Growing:
    """A study of one trial that is seen three times."""

    def __init__(self) -> None:
        self.looks = 0

    def refresh(self) -> None:
        self.looks += 1

    def conclusions(self) -> Json:
        counts = {"infeasible": 0, "failed": 0, "stopped": 0, "planned": 1}
        is_done = self.looks == 3
        return {"counts": {**counts, "pending": int(not is_done), "succeeded": int(is_done)}}

    def records(self) -> Iterator[Json]:
        curve = [[step, 1 / step] for step in range(1, self.looks + 1)]
        line: Json = {"name": "a", "hyperparameters": {"lr": 0.1}, "curves": {"val_loss": curve}}
        yield line | ({"objective": 1 / 3, "step": 3} if self.looks == 3 else {"pending": True})


def test_a_study_is_followed_until_it_is_done_and_each_point_reported_once() -> None:
    from studious.bridges._mlflow import MlflowReporter

    uri = f"sqlite:///{Path.cwd()}/mlflow.db"  # MLflow keeps databases open by their URI.
    study: Any = Growing()
    _records.report(study, MlflowReporter(uri, "live", "s"), every=0.01)
    assert study.looks == 3
    reported = runs(uri, "live")
    assert reported["s"].info.status == reported["a"].info.status == "FINISHED"
    client = mlflow.tracking.MlflowClient(tracking_uri=uri)
    history = client.get_metric_history(reported["a"].info.run_id, "val_loss")
    assert [point.step for point in history] == [1, 2, 3]
    # One that was interrupted and reported again continues where it was.
    again: Any = Growing()
    again.refresh()
    _records.report(again, MlflowReporter(uri, "cut", "s"), every=None)
    assert runs(uri, "cut")["a"].info.status == "RUNNING"
    _records.report(again, MlflowReporter(uri, "cut", "s"), every=0.01)
    history = client.get_metric_history(runs(uri, "cut")["a"].info.run_id, "val_loss")
    assert [point.step for point in history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["read", "optuna", "sqlite:///none.db"], "no such file none.db"),
        (["read", "mlflow", "sqlite:///none.db"], "--name is missing. Name the experiment"),
        (["read", "mlflow", "sqlite:///none.db", "--name", "x"], "no such file none.db"),
        (["read", "mlflow", "sqlite:///empty.db", "--name", "x"], "has no experiment 'x'; it has"),
        (["read", "optuna", "optuna.db"], "error: optuna: optuna.db: ArgumentError: "),
        (["read", "optuna", "sqlite:///study.yaml"], "file is not a database"),
        (["read", "optuna", "nothing://x"], "NoSuchModuleError"),
        (["read", "mlflow", "nothing://x", "--name", "x"], "error: mlflow: nothing://x: "),
    ],
)
def test_what_cannot_be_read_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    Path("empty.db").touch()
    assert main([*arguments, "--study", "study.yaml", "--metric", "val_loss"]) == 1
    assert said in capsys.readouterr().err
    assert not Path("none.db").exists()


def test_a_library_that_is_not_there_is_named_with_its_extra(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("optuna", "mlflow", "mlflow.tracking", "tensorboardX"):
        monkeypatch.setitem(sys.modules, library, None)
    options = ["--study", "study.yaml", "--metric", "val_loss"]
    for extra, arguments in [
        ("optuna", ["read", "optuna", "sqlite:///x.db", *options]),
        ("mlflow", ["report", "mlflow", str(run), "--to", "sqlite:///x.db"]),
        ("tensorboard", ["report", "tensorboard", str(run), "--to", "events"]),
    ]:
        assert main(arguments) == 1
        assert f"'./trainer-image[{extra}]'" in capsys.readouterr().err


def test_nothing_is_sent_where_nobody_said_so(run: Path) -> None:
    with pytest.raises(SystemExit):
        main(["report", "mlflow", str(run)])
