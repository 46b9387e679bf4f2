"""The digits trainer in PyTorch as a backend runs it: processes, trial folders, kill -9."""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studious_trainer import _data, digits_torch

from folders import curve, events, lay, lines, run, start
from studies import command

DIGITS = (sys.executable, "-m", "studious_trainer.digits_torch")
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "digits-pytorch" / "study.yaml"
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
    inputs: dict[str, Any] = {
        "hyperparameters": point,
        "maxTrainSteps": STEPS,
        "schedule": {"family": "Cosine", "base": rate, "warmupSteps": 6, "decaySteps": STEPS - 6},
        "evaluation": {"everySteps": 25},
        "checkpoint": {"everySteps": 40, "keepBest": 1},
    }
    return lay(folder, **inputs | changes)


def test_it_trains_as_the_one_in_jax_does(tmp_path: Path) -> None:
    regularized = {**POINT, "weight_decay": 1e-4, "label_smoothing": 0.1}
    folder = lay_digits(tmp_path, regularized)
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    # What studious_trainer.digits reports of the same trial; the last digits are rounding's.
    losses = dict(curve(folder, "train_loss"))
    for step, loss in {10: 1.687339, 40: 0.728496, 70: 0.603820, 100: 0.618061}.items():
        assert losses[step] == pytest.approx(loss, rel=1e-4)
    assert dict(curve(folder, "gradient_norm"))[10] == pytest.approx(1.868522, rel=1e-4)
    errors = curve(folder, "validation_error")
    assert errors == [(25, 0.145), (50, 0.0425), (75, 0.03), (100, 0.03), (120, 0.03)]
    (init,) = events(folder, "init")
    assert (init["init_seed"], init["data_seed"]) == (7241, 99)
    assert lines(folder)[-1] == {"event": "done", "step": STEPS}
    assert curve(folder, "examples_per_second")


def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    # Dropout draws in every update, and must draw the same after a resume.
    point = {**POINT, "dropout_rate": 0.1, "gradient_clip": 0.5}
    unbroken = lay_digits(tmp_path / "unbroken", point)
    code, output = run(unbroken, *DIGITS)
    assert code == 0, output
    first = lay_digits(tmp_path / "attempt-1", point)
    process = start(first, *DIGITS)
    wait_for(first / "checkpoints" / "step-0000000040.npz", process)
    process.kill()
    process.communicate()
    assert not events(first, "done"), "killed too late to show anything"

    second = lay_digits(tmp_path / "attempt-2", point, attempt=2)
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
    for metric in (*CURVES, "clipped_fraction"):
        again = restored if metric in EVALUATED else restored + 1
        left = [point for point in curve(unbroken, metric) if point[0] >= again]
        assert curve(second, metric) == left


def wait_for(file: Path, process: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.001)


def start_two_hosts(folder: Path, *restores: Path | None) -> tuple[list[Path], list[Any]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    folders = []
    for index, restore in enumerate(restores):
        laid = lay_digits(
            folder / f"host-{index}",
            seeds={"init": 7241, "data": 99 + index, "split": 5},
            host={"index": index, "count": 2, "coordinator": coordinator},
            evaluation={"everySteps": 20},
            checkpoint={"everySteps": 40, "keepBest": 9},
        )
        if restore is not None:
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


def test_two_hosts_train_together_and_resume_together(tmp_path: Path) -> None:
    first = two_hosts(tmp_path / "whole")
    inits = [events(folder, "init")[0] for folder in first]
    assert inits[0]["parameters_sha256"] == inits[1]["parameters_sha256"]
    assert curve(first[0], "validation_error")[-1][1] < 0.08
    assert not curve(first[1], "validation_error"), "only host 0 evaluates"
    assert not (first[1] / "checkpoints").exists(), "only host 0 writes checkpoints"
    for metric in ("train_loss", "gradient_norm"):
        assert curve(first[0], metric) == curve(first[1], metric), "both see the global mean"
    for folder in first:
        assert lines(folder)[-1] == {"event": "done", "step": STEPS}

    (tmp_path / "saved").mkdir()
    shutil.copy(first[0] / "checkpoints" / "step-0000000040.npz", tmp_path / "saved")
    resumed = two_hosts(tmp_path / "resumed", restore=tmp_path / "saved")
    for folder in resumed:
        (init,) = events(folder, "init")
        assert init["restored_step"] == 40
    assert events(resumed[0], "checkpoint")[-1] == events(first[0], "checkpoint")[-1]


def test_hosts_that_restore_different_steps_say_so(tmp_path: Path) -> None:
    whole = lay_digits(tmp_path / "one", {**POINT}, maxTrainSteps=40)
    assert run(whole, *DIGITS)[0] == 0
    _, processes = start_two_hosts(tmp_path / "apart", whole / "checkpoints", None)
    for process in processes:
        try:
            output, _ = process.communicate(timeout=240)
        finally:
            process.kill()
        assert process.returncode == 1
        assert "do not agree on the restored step: [40, 0] by host" in output


def test_a_run_that_diverges_is_nan_and_one_that_blows_up_is_infeasible(tmp_path: Path) -> None:
    nan = lay_digits(tmp_path / "nan", {**POINT, "learning_rate": 10.0, "hidden_layers": 4})
    code, output = run(nan, *DIGITS)
    assert code == 0, output
    assert math.isnan(curve(nan, "train_loss")[-1][1])
    assert not events(nan, "done")
    blown = {**POINT, "learning_rate": 2.0, "one_minus_momentum": 0.05}
    folder = lay_digits(tmp_path / "blown", blown)
    code, output = run(folder, *DIGITS)
    assert code == 0, output
    (event,) = events(folder, "infeasible")
    assert "training has blown up" in event["reason"]
    assert not events(folder, "done")


def test_a_diverged_network_has_no_error_rate() -> None:
    data = _data.Digits.load(5)
    images = np.full_like(data.validation.images, np.nan)
    examples = _data.Examples(images, data.validation.labels)
    network = torch.nn.Linear(64, 10)
    assert np.isnan(digits_torch.evaluate(network, examples, 100)).all()


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({**POINT, "depth": 3}, "does not know the hyperparameter(s) depth; it knows batch_"),
        ({**POINT, "optimizer": "adam"}, "optimizer must be one of sgd, momentum, nesterov"),
        ({**POINT, "batch_size": 5000}, "there are only 1100 training examples"),
    ],
)
def test_what_it_cannot_do_is_an_error_that_names_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    point: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setenv("STUDIOUS_TRIAL_DIR", str(lay_digits(tmp_path, point)))
    assert digits_torch.main() == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "metrics.jsonl").exists()


@pytest.mark.parametrize("hosts", [1, 2])
def test_the_example_runs_with_studious_run(tmp_path: Path, hosts: int) -> None:
    text = EXAMPLE.read_text()
    for was, small in [
        ("trials: 40, maxTrainSteps: 150", "trials: 2, maxTrainSteps: 50"),
        ("trials: 6, maxTrainSteps: 600", "trials: 2, maxTrainSteps: 60"),
        ("best: 3", "best: 1"),
        ("  trial:\n", f"  trial:\n    hosts: {hosts}\n"),
    ]:
        assert text.count(was) == 1
        text = text.replace(was, small)
    (tmp_path / "study.yaml").write_text(text)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [command(), "run", "study.yaml", "--quiet"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    best = tmp_path / "studious-runs/digits-pytorch/trials/digits-pytorch-confirm-0000"
    reported = list(best.glob("attempt-1/host-*/metrics.jsonl"))
    assert len(reported) == hosts
    for file in reported:
        assert lines(file.parent)[-1] == {"event": "done", "step": 60}
