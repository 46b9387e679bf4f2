"""The bridge from Ray Tune, on an experiment that Ray wrote: see ray_experiment/write.py."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from studious import StudiousError
from studious.bridges import _ray
from studious.bridges.__main__ import main

from studies import command

EXPERIMENT = Path(__file__).parent / "ray_experiment" / "experiment"
STUDY = """
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: s}
spec:
  goal: Which learning rate?
  objective: {metric: val_loss, direction: Minimize}
  hyperparameters:
  - {name: learning_rate, range: {min: 1.0e-5, max: 10, scale: Log}}
  - {name: optimizer, role: Scientific, values: [sgd, adam]}
  rounds: [{name: explore, trials: 20, maxTrainSteps: 5}]
  evaluation: {everySteps: 1}
  trial: {template: {spec: {containers: [{name: t, image: i, command: [x]}]}}}
"""
READ = ["--study", "study.yaml", "--metric", "val_loss", "--out", "trials.jsonl"]
NAMES = ["--objective", "loss"]
NAMES += ["--map", "learning_rate=optimizer.lr", "--map", "optimizer=optimizer.name"]


@pytest.fixture(autouse=True)
def _the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDIOUS_BINARY", command())
    (tmp_path / "study.yaml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXPERIMENT, tmp_path / "experiment"))


def _by_rate(lines: str) -> dict[float, dict[str, Any]]:
    trials = map(json.loads, lines.splitlines())
    return {trial["hyperparameters"]["learning_rate"]: trial for trial in trials}


def test_an_experiment_is_read_as_ray_left_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "ray", str(EXPERIMENT), *READ, *NAMES]) == 0
    trials = _by_rate(Path("trials.jsonl").read_text())
    good = trials[0.03]
    assert good["hyperparameters"]["optimizer"] == "sgd"
    assert good["objective"] == pytest.approx(0.3276, abs=1e-4)
    assert good["step"] == 5
    assert [step for step, _ in good["curves"]["val_loss"]] == [1, 2, 3, 4, 5]
    assert "val/error" in good["curves"]
    # Neither Ray's own results, nor booleans and texts.
    assert sorted(good["curves"]) == ["val/error", "val_loss"]
    assert trials[3.0]["infeasible"]
    assert trials[0.3]["failed"]
    assert trials[0.3]["reason"] == "RuntimeError: this trial fails"
    # The experiment was interrupted while it trained.
    assert trials[0.1].get("pending")
    assert "hyperparameters.width" in capfd.readouterr().err


def test_a_trial_that_was_tried_again_has_one_curve() -> None:
    trials = _ray.trials(str(EXPERIMENT), {})
    failed = next(trial for trial in trials if trial.state == "ERROR")
    file = next(EXPERIMENT.glob("*/error.txt")).parent / "result.json"
    assert len(file.read_text().splitlines()) == 4, "two attempts of two results"
    assert [step for step, _ in failed.curves["loss"]] == [1, 2]


def test_another_result_can_be_the_step(copied: Path) -> None:
    for file in copied.glob("*/result.json"):
        lines = map(json.loads, file.read_text().splitlines())
        changed = [{**line, "batches": 100 * line["training_iteration"]} for line in lines]
        file.write_text("".join(json.dumps(line) + "\n" for line in changed))
    trials = _ray.trials(str(copied), {}, "batches")
    assert {step for trial in trials for step, _ in trial.curves["loss"]} >= {100, 500}
    with pytest.raises(StudiousError, match=r"result.json:1: epoch: is missing. Name the step's"):
        _ray.trials(str(copied), {}, "epoch")
    with pytest.raises(StudiousError, match=r"note: expected a whole number, got 'text'"):
        _ray.trials(str(copied), {}, "note")


def test_half_a_last_line_is_left_out_and_damage_is_named(copied: Path) -> None:
    file = max(copied.glob("*/result.json"), key=lambda one: len(one.read_text()))
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:-1], lines[-1][:40]]))
    longest = max(len(trial.curves.get("loss", [])) for trial in _ray.trials(str(copied), {}))
    assert longest == 5, "of another trial"
    file.write_text("\n".join([lines[0][:40], *lines[1:]]))
    with pytest.raises(StudiousError, match=r"result.json:1: cannot be read as JSON"):
        _ray.trials(str(copied), {})


def test_trials_that_have_not_begun_are_pending(copied: Path) -> None:
    for folder in (one for one in copied.iterdir() if one.is_dir()):
        shutil.rmtree(folder)
    trials = _ray.trials(str(copied), {"loss": "val_loss"})
    # The state has the configuration of each.
    assert {trial.parameters["optimizer.name"] for trial in trials} == {"sgd"}
    assert not any(trial.curves for trial in trials)


def test_other_folders_names_and_options_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StudiousError, match=f"Name one of {EXPERIMENT}$"):
        _ray.trials(str(EXPERIMENT.parent), {})
    with pytest.raises(StudiousError, match="is not a folder of a Ray Tune experiment"):
        _ray.trials(str(tmp_path), {})
    with pytest.raises(StudiousError, match=r"no trial reported val_loss; the metrics are loss, "):
        _ray.trials(str(EXPERIMENT), {"acc": "val_loss"})
    (tmp_path / "experiment_state-1.json").write_text("{}")
    with pytest.raises(StudiousError, match=r"expected the state that Ray 2.60 writes"):
        _ray.trials(str(tmp_path), {})
    assert main(["read", "wandb", str(tmp_path), *READ, "--step", "epoch"]) == 1
    assert "--step: is for ray only" in capfd.readouterr().err
