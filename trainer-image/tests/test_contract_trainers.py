"""The example trainers that know only the contract: each way to go wrong, as a fleet sees it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

import studious

from folders import curve, events, lay, lines, run, start

EXAMPLES = Path(__file__).parents[2] / "examples" / "contract"
TRAINERS = {
    "python": (sys.executable, str(EXAMPLES / "trainer.py")),
    "shell": ("sh", str(EXAMPLES / "trainer.sh")),
}

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the examples are beside trainer-image only in the repository"
)


@pytest.fixture(params=TRAINERS)
def trainer(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return TRAINERS[request.param]


def lay_contract(folder: Path, behaviour: str, x: float = 3.0, **changes: Any) -> Path:
    inputs: dict[str, Any] = {
        "hyperparameters": {"behaviour": behaviour, "x": x},
        "maxTrainSteps": 40,
        "schedule": None,
        "evaluation": {"everySteps": 10},
        "checkpoint": {"everySteps": 10, "keepBest": 0},
    }
    return lay(folder, **inputs | changes)


def environment(folder: Path) -> dict[str, str]:
    """What a fleet sets beside the folder: every hyperparameter as HP_<NAME>."""
    point = json.loads((folder / "trial.json").read_text())["hyperparameters"]
    pace = {"CONTRACT_SECONDS_PER_STEP": "0", "CONTRACT_PATIENCE_SECONDS": "0"}
    return pace | {f"HP_{name.upper()}": str(value) for name, value in point.items()}


def outcome(trainer: tuple[str, ...], folder: Path, **more: str) -> int:
    code, _ = run(folder, *trainer, seconds=60, **environment(folder) | more)
    return code


def test_quadratic_is_evaluated_by_the_contract(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "quadratic", x=-2.5)
    assert outcome(trainer, folder) == 0
    errors = curve(folder, "validation_error")
    assert [step for step, _ in errors] == [10, 20, 30, 40]
    for step, error in errors:
        assert error == pytest.approx(12.25 + 0.1 + 1 / step)
    assert [event["step"] for event in events(folder, "checkpoint")] == [10, 20, 30, 40]
    assert lines(folder)[0]["event"] == "init"
    assert lines(folder)[-1] == {"event": "done", "step": 40}


def test_divergence_is_nan_and_never_done(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "diverge")
    outcome(trainer, folder)
    step, loss = curve(folder, "train_loss")[-1]
    assert step == 21
    assert math.isnan(loss)
    assert not events(folder, "done")


def test_the_second_attempt_goes_on_where_the_first_crashed(
    trainer: tuple[str, ...], tmp_path: Path
) -> None:
    first = lay_contract(tmp_path / "1", "crash-first-attempt")
    assert outcome(trainer, first) == 1
    second = lay_contract(tmp_path / "2", "crash-first-attempt", attempt=2)
    (first / "checkpoints").rename(second / "restore")
    assert outcome(trainer, second) == 0
    (init,) = events(second, "init")
    saved = events(first, "checkpoint")[-1]
    assert (init["restored_step"], init["parameters_sha256"]) == (20, saved["parameters_sha256"])
    # What was restored is evaluated again: it may be missing.
    assert [step for step, _ in curve(second, "validation_error")] == [20, 30, 40]


def test_a_checkpoint_that_is_not_to_be_used_is_left_out(
    trainer: tuple[str, ...], tmp_path: Path
) -> None:
    first = lay_contract(tmp_path / "1", "crash-first-attempt")
    assert outcome(trainer, first) == 1
    limit = {"everySteps": 10, "keepBest": 0, "restoreAtMost": 10}
    second = lay_contract(tmp_path / "2", "crash-first-attempt", attempt=2, checkpoint=limit)
    (first / "checkpoints").rename(second / "restore")
    assert outcome(trainer, second) == 0
    assert "restored_step" not in events(second, "init")[0]
    assert [step for step, _ in curve(second, "validation_error")] == [10, 20, 30, 40]


@pytest.mark.parametrize(
    ("behaviour", "code", "done"),
    [
        ("crash", 1, False),
        ("crash-after-done", 1, True),
        ("infeasible-exit", 3, False),
        ("out-of-memory", 137, False),
    ],
)
def test_exit_codes(
    trainer: tuple[str, ...], tmp_path: Path, behaviour: str, code: int, done: bool
) -> None:
    folder = lay_contract(tmp_path, behaviour)
    assert outcome(trainer, folder) == code
    assert bool(events(folder, "done")) == done


def test_reported_infeasible(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "infeasible")
    assert outcome(trainer, folder) == 0
    assert events(folder, "infeasible")[0]["reason"]
    assert not events(folder, "done")


def test_half_a_line_at_the_end(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "half-line")
    assert outcome(trainer, folder) == 0
    whole, half = (folder / "metrics.jsonl").read_text().rsplit("\n", 1)
    assert json.loads(whole.splitlines()[-1])["step"] == 40
    assert '"done"' not in whole
    assert half.startswith('{"step": 99999')


def test_malformed_lines_stand_among_good_ones(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "malformed")
    assert outcome(trainer, folder) == 0
    good = []
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        try:
            good.append(json.loads(line))
        except ValueError:
            assert line in ("loss is fine, thank you", '{"step": 3, "train_loss": }')
    measured = [line["step"] for line in good if "validation_error" in line]
    assert measured == [10, 20, 30, 40]
    assert [1, 2] in good


def test_a_line_over_the_limit(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "long-line")
    assert outcome(trainer, folder) == 0
    assert max(map(len, (folder / "metrics.jsonl").read_bytes().splitlines())) > 64 * 1024


def test_the_flood_is_bounded_and_well_formed(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "gigabytes")
    assert outcome(trainer, folder, CONTRACT_MEGABYTES="2") == 0
    size = (folder / "metrics.jsonl").stat().st_size
    assert 1_900_000 < size < 2_200_000
    assert max(map(len, (folder / "metrics.jsonl").read_bytes().splitlines())) < 64 * 1024
    assert lines(folder)[-1] == {"event": "done", "step": 40}


def test_memory_is_taken_up_to_the_bound(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "memory")
    bound = {"CONTRACT_MEMORY_MEGABYTES": "20"}
    code, output = run(folder, *trainer, seconds=60, **environment(folder) | bound)
    assert (code, events(folder, "done")) == (0, [{"event": "done", "step": 40}])
    assert "20000000 bytes" in output


def test_hanging_is_until_it_is_ended(trainer: tuple[str, ...], tmp_path: Path) -> None:
    folder = lay_contract(tmp_path, "hang")
    process = start(folder, *trainer, **environment(folder))
    assert process.stdout is not None
    assert "never comes" in process.stdout.readline()
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=10) != 0


def test_silence_and_a_missing_seed_report(trainer: tuple[str, ...], tmp_path: Path) -> None:
    silent = lay_contract(tmp_path / "silent", "silent")
    assert outcome(trainer, silent) == 0
    assert events(silent, "done")
    assert not curve(silent, "validation_error")
    unseeded = lay_contract(tmp_path / "unseeded", "unseeded")
    assert outcome(trainer, unseeded) == 0
    assert curve(unseeded, "validation_error")
    assert not events(unseeded, "init")


@pytest.mark.parametrize("behaviour", ["quadratic", "seed-mismatch"])
def test_two_hosts(trainer: tuple[str, ...], tmp_path: Path, behaviour: str) -> None:
    folders = []
    for index in range(2):
        host = {"index": index, "count": 2, "coordinator": "localhost:8476"}
        seeds = {"init": 7, "data": 20 + index, "split": 5}
        folders.append(lay_contract(tmp_path / str(index), behaviour, host=host, seeds=seeds))
        assert outcome(trainer, folders[-1]) == 0
    first, second = (events(folder, "init")[0] for folder in folders)
    same = first["parameters_sha256"] == second["parameters_sha256"]
    assert same == (behaviour == "quadratic")
    assert (first["data_seed"], second["data_seed"]) == (20, 21)
    assert curve(folders[0], "validation_error")
    assert not curve(folders[1], "validation_error"), "only host 0 evaluates"
    assert not (folders[1] / "checkpoints").exists()
    assert events(folders[1], "done")


def test_the_package_reads_what_these_trainers_read(tmp_path: Path) -> None:
    """Both sides of this suite lay the same trial.json."""
    trial = studious.Trial.load(lay_contract(tmp_path, "quadratic"))
    assert trial.hyperparameters.choice("behaviour", ("quadratic",)) == "quadratic"
