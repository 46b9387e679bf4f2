"""The bridge to Weights & Biases, against the real library, offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studious import StudiousError
from studious.bridges import _wandb
from studious.bridges.__main__ import main
from studious.bridges._records import Record
from test_bridges import STUDY

from studies import command

CURVES = {"val_loss": [(1, 0.5), (2, 0.25)], "train_loss": [(step, 1.0) for step in range(2000)]}
SGD = {"learning_rate": 0.1, "optimizer": "sgd"}
ADAM = {"learning_rate": 0.9, "optimizer": "adam"}
TRIALS = [
    Record("a", "explore", SGD, "succeeded", 0.25, 2, "", CURVES),
    Record("b", "explore", ADAM, "infeasible", None, None, "Diverged", {}),
    Record("c", "explore", ADAM, "pending", None, None, "", {}),
]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wandb") / "offline"
    reporter = _wandb.WandbReporter(str(folder), "project", "s")
    for trial in TRIALS:
        reporter.report(trial)
    reporter.close(is_done=False)
    return folder


def test_a_study_is_reported_as_offline_runs_and_read_back(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIOUS_BINARY", command())
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(STUDY)
    options = ("--study", "study.yaml", "--metric", "val_loss", "--out", "trials.jsonl")
    assert main(["read", "wandb", str(offline), *options]) == 0
    lines = map(json.loads, Path("trials.jsonl").read_text().splitlines())
    trials = {line["name"]: line for line in lines}
    # One that still runs is not written.
    assert sorted(trials) == ["a", "b"]
    assert trials["a"]["hyperparameters"] == TRIALS[0].hyperparameters
    assert (trials["a"]["objective"], trials["a"]["round"]) == (0.25, "explore")
    assert trials["a"]["curves"]["val_loss"] == [[1, 0.5], [2, 0.25]]
    # Longer than a block of the file.
    assert len(trials["a"]["curves"]["train_loss"]) == 2000
    assert trials["b"]["infeasible"]
    assert trials["b"]["reason"] == "Diverged"


def test_a_damaged_run_is_named_and_half_a_record_at_the_end_is_left_out(offline: Path) -> None:
    file = max(offline.rglob("*.wandb"), key=lambda one: one.stat().st_size)
    data = file.read_bytes()
    whole = list(_wandb.records(data, "run.wandb"))
    assert list(_wandb.records(data[:-3], "run.wandb")) == whole[:-1]
    wrong = bytearray(data)
    wrong[len(data) // 2] ^= 1
    with pytest.raises(StudiousError, match=r"run.wandb: is damaged at byte \d+"):
        list(_wandb.records(bytes(wrong), "run.wandb"))
    with pytest.raises(StudiousError, match="is not an offline run"):
        list(_wandb.records(b"text", "run.wandb"))


def test_a_folder_without_runs_and_one_that_is_not_empty(offline: Path, tmp_path: Path) -> None:
    with pytest.raises(StudiousError, match=r"holds no offline runs"):
        _wandb.trials(str(tmp_path), {})
    with pytest.raises(StudiousError, match="is not empty"):
        _wandb.WandbReporter(str(offline), "project", "s")
