from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import studious

from folders import lay, lines


def test_measurements_take_any_scalar(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    trial.log(
        np.int64(3), train_loss=np.float32(0.5), correct=np.int64(7), rate=1e-30, up=np.ones(())
    )
    assert lines(tmp_path) == [
        {"step": 3, "train_loss": 0.5, "correct": 7.0, "rate": 1e-30, "up": 1.0}
    ]


def test_what_is_not_finite_is_written_as_python_writes_it(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    trial.log(1, train_loss=math.nan, a=math.inf, b=-math.inf)
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == '{"step":1,"train_loss":NaN,"a":Infinity,"b":-Infinity}\n'


def test_a_line_is_on_disk_before_log_returns(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    for step in range(1, 4):
        trial.log(step, train_loss=1)
        assert len(lines(tmp_path)) == step


def test_half_a_line_of_an_earlier_run_spoils_no_other(tmp_path: Path) -> None:
    (lay(tmp_path) / "metrics.jsonl").write_text('{"step":1,"train_loss":2}\n{"step":2,"trai')
    studious.Trial.load(tmp_path).log(3, train_loss=1)
    text = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert text[1:] == ['{"step":2,"trai', '{"step":3,"train_loss":1.0}']


@pytest.mark.parametrize(
    ("step", "metrics", "said"),
    [
        (-1, {"loss": 1}, "step must be an integer of at least 0; found -1"),
        (1.5, {"loss": 1}, "step must be an integer"),
        (True, {"loss": 1}, "step must be an integer"),
        (1, {}, "needs at least one metric"),
        (1, {"loss": "low"}, "`loss` at step 1 must be one number; found str 'low'"),
        (1, {"loss": np.ones(2)}, "`loss` at step 1 must be one number"),
        (1, {"loss": None}, "`loss` at step 1 must be one number"),
        (1, {"event": 1}, "a metric cannot be called `event`"),
        (1, {"x" * 70_000: 1}, "over the limit of 65536"),
    ],
)
def test_what_the_contract_calls_malformed_is_refused(
    tmp_path: Path, step: int, metrics: dict[str, float], said: str
) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    with pytest.raises(studious.StudiousError, match=said):
        trial.log(step, **metrics)
    assert not (tmp_path / "metrics.jsonl").exists() or not lines(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(studious.StudiousError, match=r"metrics\.jsonl: cannot be opened"):
        trial.log(1, loss=1)


def test_an_infeasible_point_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(studious.StudiousError, match="say the reason"):
        studious.Trial.load(lay(tmp_path)).infeasible(" ")
