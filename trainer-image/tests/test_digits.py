"""The digits trainer as a fleet runs it: processes, trial folders, kill -9."""

from __future__ import annotations

import math
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import studious
from studious_trainer import digits

from folders import DIGITS, curve, events, lay, lines, run, start

pytestmark = pytest.mark.jax

STEPS = 120
POINT = {
    "optimizer": "nesterov",
    "learning_rate": 0.3,
    "one_minus_momentum": 0.1,
    "width": 32,
    "batch_size": 128,
}
EVALUATED = ("validation_error", "validation_loss")
CURVES = ("train_loss", "gradient_norm", "learning_rate", *EVALUATED)


def lay_digits(folder: Path, point: dict[str, Any] | None = None, **changes: Any) -> Path:
    point = point or POINT
    rate = point["learning_rate"]
    schedule = {"family": "Cosine", "base": rate, "warmupSteps": 6, "decaySteps": STEPS - 6}
    inputs: dict[str, Any] = {
        "hyperparameters": point,
        "maxTrainSteps": STEPS,
        "schedule": schedule,
        "evaluation": {"everySteps": 25},
        "checkpoint": {"everySteps": 40, "keepBest": 1},
    }
    return lay(folder, **inputs | changes)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_digits(tmp_path_factory.mktemp("unbroken"))
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    return folder


def test_a_run_learns_and_reports_what_the_contract_asks(unbroken: Path) -> None:
    errors = curve(unbroken, "validation_error")
    assert [step for step, _ in errors] == [25, 50, 75, 100, 120]
    assert errors[-1][1] < 0.06
    assert [step for step, _ in curve(unbroken, "train_loss")] == [*range(10, 121, 10)]
    for metric in ("examples_per_second", "gradient_norm", "learning_rate"):
        assert all(value > 0 for _, value in curve(unbroken, metric))
    assert all(0 <= value <= 1 for _, value in curve(unbroken, "data_wait_fraction"))
    assert not any("test" in name for line in lines(unbroken) for name in line)
    (init,) = events(unbroken, "init")
    assert (init["init_seed"], init["data_seed"]) == (7241, 99)
    assert [event["step"] for event in events(unbroken, "checkpoint")] == [40, 80, 120]
    assert lines(unbroken)[-1] == {"event": "done", "step": STEPS}


def test_the_same_seeds_give_the_same_bits(unbroken: Path, tmp_path: Path) -> None:
    run(lay_digits(tmp_path), *DIGITS)
    assert events(tmp_path, "checkpoint") == events(unbroken, "checkpoint")
    for metric in CURVES:
        assert curve(tmp_path, metric) == curve(unbroken, metric)


def test_killed_and_resumed_it_ends_with_the_same_bits(unbroken: Path, tmp_path: Path) -> None:
    first = lay_digits(tmp_path / "attempt-1")
    process = start(first, *DIGITS)
    wait_for(first / "checkpoints" / "step-0000000040.npz", process)
    process.kill()
    process.communicate()
    assert not events(first, "done"), "killed too late to show anything"

    second = lay_digits(tmp_path / "attempt-2", attempt=2)
    shutil.copytree(first / "checkpoints", second / "restore")
    shutil.copytree(first / "checkpoints", second / "checkpoints")
    code, output = run(second, *DIGITS)
    assert code == 0, output

    (init,) = events(second, "init")
    saved = {event["step"]: event for event in events(first, "checkpoint")}
    restored = init["restored_step"]
    assert restored in (40, 80)
    assert init["parameters_sha256"] == saved[restored]["parameters_sha256"]
    assert events(second, "checkpoint")[-1] == events(unbroken, "checkpoint")[-1]
    for metric in CURVES:
        # What was restored is evaluated again, to the same bits: it may be missing.
        again = restored if metric in EVALUATED else restored + 1
        left = [point for point in curve(unbroken, metric) if point[0] >= again]
        assert curve(second, metric) == left


def wait_for(file: Path, process: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.001)


def test_two_hosts_train_together_and_resume_together(tmp_path: Path) -> None:
    first = two_hosts(tmp_path / "whole")
    inits = [events(folder, "init")[0] for folder in first]
    assert inits[0]["parameters_sha256"] == inits[1]["parameters_sha256"]
    assert [init["data_seed"] for init in inits] == [99, 100]
    assert curve(first[0], "validation_error")[-1][1] < 0.08
    assert not curve(first[1], "validation_error"), "only host 0 evaluates"
    assert not (first[1] / "checkpoints").exists(), "only host 0 writes checkpoints"
    for metric in ("train_loss", "gradient_norm"):
        assert curve(first[0], metric) == curve(first[1], metric), "both see the global mean"
    for folder in first:
        assert lines(folder)[-1] == {"event": "done", "step": STEPS}
        assert curve(folder, "examples_per_second")

    # As after a disruption that came when step 40 was the last one saved.
    (tmp_path / "saved").mkdir()
    shutil.copy(first[0] / "checkpoints" / "step-0000000040.npz", tmp_path / "saved")
    resumed = two_hosts(tmp_path / "resumed", restore=tmp_path / "saved")
    for folder in resumed:
        (init,) = events(folder, "init")
        assert init["restored_step"] == 40
        fingerprint = events(first[0], "checkpoint")[0]["parameters_sha256"]
        assert init["parameters_sha256"] == fingerprint
    assert events(resumed[0], "checkpoint")[-1] == events(first[0], "checkpoint")[-1]


def test_hosts_that_restore_different_steps_say_so(tmp_path: Path) -> None:
    """As when a volume is missing on one host: without the check they would train apart."""
    saved = studious.Trial.load(lay_digits(tmp_path)).checkpoints.save(40, {"w": np.ones(1)})
    assert saved is not None
    _, processes = start_two_hosts(tmp_path / "apart", saved.parent, None)
    for process in processes:
        try:
            output, _ = process.communicate(timeout=240)
        finally:
            process.kill()
        assert process.returncode == 1
        assert "do not agree on the restored step: [40, 0] by host" in output


def start_two_hosts(folder: Path, *restores: Path | None) -> tuple[list[Path], list[Any]]:
    """Lay two hosts' folders, each with the ``restore/`` given for it, and start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    folders = []
    for index in range(2):
        laid = lay_digits(
            folder / f"host-{index}",
            seeds={"init": 7241, "data": 99 + index, "split": 5},
            host={"index": index, "count": 2, "coordinator": coordinator},
            evaluation={"everySteps": 20},
            checkpoint={"everySteps": 40, "keepBest": 9},
        )
        if restores and (restore := restores[index]) is not None:
            shutil.copytree(restore, laid / "restore")
        folders.append(laid)
    return folders, [start(laid, *DIGITS) for laid in folders]


def two_hosts(folder: Path, restore: Path | None = None) -> list[Path]:
    folders, processes = start_two_hosts(folder, restore, restore)
    for process in processes:
        try:
            output, _ = process.communicate(timeout=240)
        finally:
            process.kill()
        assert process.returncode == 0, output
    return folders


def test_a_learning_rate_far_too_high_is_logged_as_nan(tmp_path: Path) -> None:
    folder = lay_digits(tmp_path, {**POINT, "learning_rate": 10.0, "hidden_layers": 4})
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    losses = curve(folder, "train_loss")
    assert math.isnan(losses[-1][1])
    assert all(math.isfinite(loss) for _, loss in losses[:-1])
    assert not events(folder, "done")
    assert "NaN" in (folder / "metrics.jsonl").read_text()


def test_a_loss_that_blew_up_in_finite_numbers_is_no_result(tmp_path: Path) -> None:
    folder = lay_digits(tmp_path, {**POINT, "learning_rate": 2.0, "one_minus_momentum": 0.05})
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    assert all(math.isfinite(loss) for _, loss in curve(folder, "train_loss"))
    (event,) = events(folder, "infeasible")
    assert "training has blown up" in event["reason"]
    assert not events(folder, "done")


def test_clipping_tames_a_rate_that_is_too_high_and_its_share_is_told(tmp_path: Path) -> None:
    wild = {**POINT, "learning_rate": 1.0, "hidden_layers": 4}
    for clip, trains in ((0, False), (0.5, True)):
        folder = lay_digits(tmp_path / str(clip), {**wild, "gradient_clip": clip})
        code, output = run(folder, *DIGITS)
        assert code == 0, output
        assert bool(events(folder, "done")) == trains, output
        shares = [share for _, share in curve(folder, "clipped_fraction")]
        assert len(shares) == len(curve(folder, "train_loss"))
        # Clipped or not, the norm is that before clipping.
        norms = [norm for _, norm in curve(folder, "gradient_norm")]
        assert all(0 <= share <= 1 for share in shares)
        assert (max(shares) > 0.5 and max(norms) > 0.5) if trains else max(shares) == 0
    assert curve(tmp_path / "0.5", "validation_error")[-1][1] < 0.2


def test_warmup_and_the_depth_and_scale_of_the_network(tmp_path: Path) -> None:
    point = {**POINT, "warmup_steps": 40, "hidden_layers": 4, "init_scale": 1.5}
    schedule = {"family": "Constant", "base": 0.02}
    folder = lay_digits(tmp_path, {**point, "learning_rate": 5.0}, schedule=schedule)
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    rates = dict(curve(folder, "learning_rate"))
    # The rate of the update that ends at step 10 is that of 9 finished ones.
    assert rates[10] == pytest.approx(0.02 * 9 / 40)
    assert [rates[step] for step in (50, 120)] == [0.02, 0.02]
    restored = studious.Trial.load(folder).checkpoints.restore()
    assert restored is not None
    _, state = restored
    assert sorted(state["parameters"]) == [*(f"hidden_{i}" for i in range(1, 5)), "output"]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_other_optimizers_and_regularizers_train(tmp_path: Path, optimizer: str) -> None:
    point = {**POINT, "optimizer": optimizer, "label_smoothing": 0.1, "weight_decay": 1e-4}
    point["dropout_rate"] = 0.1
    if optimizer == "sgd":
        del point["one_minus_momentum"]
    folder = lay_digits(tmp_path, point)
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    assert curve(folder, "validation_error")[-1][1] < 0.1


@pytest.mark.parametrize(
    ("point", "changes", "said"),
    [
        ({**POINT, "depth": 3}, {}, "does not know the hyperparameter(s) depth; it knows batch_"),
        ({**POINT, "optimizer": "sgd"}, {}, "does not know the hyperparameter(s) one_minus_mom"),
        ({**POINT, "optimizer": "adam"}, {}, "optimizer must be one of sgd, momentum, nesterov"),
        ({**POINT, "width": 16.5}, {}, "width must be an integer"),
        ({**POINT, "width": 0}, {}, "hyperparameters.width must be at least 1; found 0"),
        ({**POINT, "batch_size": 5000}, {}, "there are only 1100 training examples"),
        ({**POINT, "dropout_rate": 2}, {}, "dropout_rate must be between 0 and 1; found 2"),
        ({**POINT, "hidden_layers": 0}, {}, "hidden_layers must be at least 1; found 0"),
        ({**POINT, "gradient_clip": -1}, {}, "gradient_clip must be between 0 and inf; found -1"),
        ({**POINT, "warmup_steps": STEPS}, {}, "below maxTrainSteps, 120; found 120"),
        ({**POINT, "warmup_steps": 5}, {}, "the schedule warms up for 6 steps already"),
        (POINT, {"objective": {"metric": "bleu", "direction": "Maximize"}}, "metric is `bleu`"),
    ],
)
def test_what_it_cannot_do_is_an_error_that_names_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    point: dict[str, Any],
    changes: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setenv("STUDIOUS_TRIAL_DIR", str(lay_digits(tmp_path, point, **changes)))
    assert digits.main() == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "metrics.jsonl").exists()
