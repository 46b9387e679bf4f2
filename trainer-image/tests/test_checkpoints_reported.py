"""Checkpoints in the trainer's own format: written by it, reported and found here (F-117)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import studious

from folders import Json, events, lay


def load(tmp_path: Path, **changes: Json | int) -> studious.Trial:
    return studious.Trial.load(lay(tmp_path, **changes))


def save(trial: studious.Trial, step: int) -> Path:
    file = trial.checkpoints.folder / f"model-{step}.pt"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(bytes([step]) * 100)
    trial.checkpoint_saved(step, file)
    return file


def test_what_was_reported_is_restored_and_the_init_event_says_so(tmp_path: Path) -> None:
    trial = load(tmp_path)
    assert trial.checkpoint_to_restore() is None
    save(trial, 10)
    last = save(trial, 20)
    (tmp_path / "metrics.jsonl").rename(tmp_path / "first.jsonl")
    again = load(tmp_path, attempt=2)
    assert again.checkpoint_to_restore() == (20, last)
    reported = again.init({"w": np.ones(1)})
    (event,) = events(tmp_path, "init")
    assert event["restored_step"] == 20
    assert f'"step":20,"parameters_sha256":"{reported}"' in (tmp_path / "first.jsonl").read_text()


def test_a_folder_is_a_checkpoint_too_and_every_host_finds_it(tmp_path: Path) -> None:
    trial = load(tmp_path)
    folder = trial.checkpoints.folder / "checkpoint-10" / "part"
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a")
    trial.checkpoint_saved(10, folder.parent)
    trial.checkpoints.folder.rename(tmp_path / "restore")
    host = {"index": 1, "count": 2, "coordinator": "a:1"}
    other = load(tmp_path, host=host)
    assert other.checkpoint_to_restore() == (10, tmp_path / "restore" / "checkpoint-10")
    # Only host 0 reports.
    other.checkpoint_saved(20, tmp_path / "nowhere")
    assert len(events(tmp_path, "checkpoint")) == 1
    (tmp_path / "restore" / "checkpoint-10" / "part" / "a.bin").rename(tmp_path / "restore" / "b")
    assert other.checkpoint_to_restore() is None


def test_one_that_was_changed_is_named_and_one_that_was_removed_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = load(tmp_path)
    first, second, third = (save(trial, step) for step in (10, 20, 30))
    third.unlink()
    second.write_bytes(b"half")
    assert load(tmp_path, attempt=2).checkpoint_to_restore() == (10, first)
    said = capsys.readouterr().err
    assert "model-20.pt is damaged and left out" in said
    assert "model-30" not in said


def test_none_beyond_the_limit_is_restored(tmp_path: Path) -> None:
    trial = load(tmp_path)
    first = save(trial, 10)
    save(trial, 20)
    limit = {"everySteps": 10, "keepBest": 1, "restoreAtMost": 15}
    assert load(tmp_path, attempt=2, checkpoint=limit).checkpoint_to_restore() == (10, first)
    # Training goes through step 20 again: what was saved there is of the attempt before.
    assert load(tmp_path, attempt=3).checkpoint_to_restore() == (10, first)


def test_an_attempt_that_was_replaced_reports_nothing(tmp_path: Path) -> None:
    old = load(tmp_path)
    save(old, 10)
    load(tmp_path, attempt=2).checkpoint_to_restore()
    with pytest.raises(studious.StudiousError, match="attempt 2 of this trial has begun"):
        save(old, 20)
    assert len(events(tmp_path, "checkpoint")) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../model.pt", "is not in the folder of this trial's checkpoints.*Save it in"),
        (".", "is not in the folder of this trial's checkpoints"),
        ("model.pt", "model.pt does not exist. Call checkpoint_saved after"),
    ],
)
def test_where_it_cannot_be_is_an_error(tmp_path: Path, path: str, said: str) -> None:
    trial = load(tmp_path)
    trial.checkpoints.folder.mkdir()
    (tmp_path / "model.pt").touch()
    with pytest.raises(studious.StudiousError, match=said):
        trial.checkpoint_saved(10, trial.checkpoints.folder / path)
