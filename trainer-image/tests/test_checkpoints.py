from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import studious
from studious import _volume

from folders import events, lay, start


def steps_kept(folder: Path) -> list[int]:
    files = (folder / "checkpoints").iterdir()
    return sorted(int(file.stem.split("-")[1]) for file in files if not is_marker(file))


def is_marker(file: Path) -> bool:
    return file.name.startswith(".attempt-")


def restored_step(trial: studious.Trial) -> int | None:
    restored = trial.checkpoints.restore()
    return restored[0] if restored else None


def state(step: int) -> dict[str, Any]:
    return {"w": np.full(4, float(step)), "count": step}


def test_a_tree_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    tree = {
        "layers": [{"kernel": np.ones((2, 3), np.float32)}, {"kernel": np.zeros((3, 0))}],
        "momentum": (np.arange(3, dtype=np.int8), None),
        'odd/key "0"': np.array(True),
        "scalar": np.float64(np.nan),
        "empty": {},
    }
    trial = studious.Trial.load(lay(tmp_path))
    file = trial.checkpoints.save(100, tree, value=0.5)
    assert file is not None
    assert steps_kept(tmp_path) == [100]

    restored = studious.Trial.load(tmp_path).checkpoints.restore()
    assert restored is not None
    step, back = restored
    assert step == 100
    assert studious.fingerprint(back) == studious.fingerprint(tree)
    assert isinstance(back["momentum"], tuple)
    assert back["momentum"][1] is None
    assert back["empty"] == {}
    assert back["layers"][1]["kernel"].shape == (3, 0)
    (event,) = events(tmp_path, "checkpoint")
    fingerprint = studious.fingerprint(tree)
    assert event == {"event": "checkpoint", "step": 100, "parameters_sha256": fingerprint}


def test_numpy_reads_the_file_without_pickle(tmp_path: Path) -> None:
    file = studious.Trial.load(lay(tmp_path)).checkpoints.save(1, {"w": np.arange(3)})
    assert file is not None
    with np.load(file, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["leaf-0"], np.arange(3))


def test_bfloat16_survives(tmp_path: Path) -> None:
    tree = {"w": np.array([1.5, -2.25], ml_dtypes.bfloat16)}
    trial = studious.Trial.load(lay(tmp_path))
    trial.checkpoints.save(1, tree)
    restored = trial.checkpoints.restore()
    assert restored is not None
    assert restored[1]["w"].dtype == ml_dtypes.bfloat16
    assert studious.fingerprint(restored[1]) == studious.fingerprint(tree)


def test_nothing_to_restore(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    assert trial.checkpoints.restore() is None
    (tmp_path / "restore").mkdir()
    assert trial.checkpoints.restore() is None


def test_restore_is_read_before_the_hosts_own_folder(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    trial.checkpoints.save(100, state(100))
    (tmp_path / "checkpoints").rename(tmp_path / "restore")
    trial.checkpoints.save(50, state(50))
    restored = trial.checkpoints.restore()
    assert restored is not None
    assert restored[0] == 100


def test_no_checkpoint_beyond_the_limit_is_restored(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path, checkpoint={"everySteps": 100, "keepBest": 9}))
    for step in (100, 200, 300):
        trial.checkpoints.save(step, state(step), value=1.0)
    limit = {"everySteps": 100, "keepBest": 9, "restoreAtMost": 250}
    # Hosts that only read leave everything where it is.
    host = {"index": 1, "count": 2, "coordinator": "a:1"}
    reader = studious.Trial.load(lay(tmp_path, attempt=2, checkpoint=limit, host=host))
    assert restored_step(reader) == 200
    assert steps_kept(tmp_path) == [100, 200, 300]
    second = studious.Trial.load(lay(tmp_path, attempt=2, checkpoint=limit))
    assert restored_step(second) == 200
    # Training goes through them again.
    assert steps_kept(tmp_path) == [100, 200]
    none = studious.Trial.load(lay(tmp_path, checkpoint=limit | {"restoreAtMost": 99}))
    assert restored_step(none) is None


@pytest.mark.parametrize(
    ("direction", "best"), [("Minimize", [20, 30, 60]), ("Maximize", [40, 50, 60])]
)
def test_the_latest_and_the_best_are_kept(tmp_path: Path, direction: str, best: list[int]) -> None:
    lay(
        tmp_path,
        objective={"metric": "m", "direction": direction},
        checkpoint={"everySteps": 10, "keepBest": 2},
    )
    values = {10: 0.5, 20: 0.1, 30: 0.2, 40: 0.9, 50: 0.8, 60: float("nan")}
    for step, value in values.items():
        # A trial of its own for each: what was best before a resume is still known after it.
        studious.Trial.load(tmp_path).checkpoints.save(step, state(step), value)
    assert steps_kept(tmp_path) == best


def test_of_equal_values_the_earlier_is_the_best(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    for step in (10, 20, 30):
        trial.checkpoints.save(step, state(step), 0.5)
    assert steps_kept(tmp_path) == [10, 30]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[data.index(np.float64(20).tobytes() * 4)] ^= 1
    file.write_bytes(data)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def swap(file: Path) -> None:
    file.write_bytes((file.parent / "step-0000000010.npz").read_bytes())


@pytest.mark.parametrize("damage", [cut, flip, empty, swap])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Any
) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    trial.checkpoints.save(10, state(10), 0.1)
    file = trial.checkpoints.save(20, state(20), 0.2)
    assert file is not None
    damage(file)

    restored = studious.Trial.load(tmp_path).checkpoints.restore()
    assert restored is not None
    assert restored[0] == 10
    assert restored[1]["count"] == 10
    assert "step-0000000020.npz is damaged and left out" in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_checkpoint_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    trial.checkpoints.save(10, state(10))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(studious.StudiousError, match=r"No space left on device.*free space"):
        trial.checkpoints.save(20, state(20))
    assert steps_kept(tmp_path) == [10]
    assert len(events(tmp_path, "checkpoint")) == 1


SAVER = """
import numpy as np, studious
trial = studious.Trial.load()
for step in range(1, 100_000):
    trial.checkpoints.save(step, {"w": np.full(200_000, float(step))})
"""


def test_killed_at_any_moment_the_last_checkpoint_is_whole_and_reported(tmp_path: Path) -> None:
    for wait in np.random.default_rng(0).uniform(0.3, 0.6, size=6):
        folder = lay(tmp_path / f"{wait}")
        process = start(folder, sys.executable, "-c", SAVER)
        time.sleep(wait)
        process.kill()
        process.wait()
        metrics = folder / "metrics.jsonl"
        reported = metrics.read_text().count("\n") if metrics.exists() else 0
        trial = studious.Trial.load(folder)
        restored = trial.checkpoints.restore()
        if reported > 1:
            assert restored is not None
        if restored is not None:
            # Reported, then renamed: the kill may have come in between.
            assert reported - 1 <= restored[0] <= reported
            assert (restored[1]["w"] == restored[0]).all()
            # The next save clears what was left half written.
            trial.checkpoints.save(restored[0] + 1, {"w": np.ones(1)})
            assert steps_kept(folder) == [restored[0] + 1]


def test_an_attempt_that_was_replaced_saves_and_removes_nothing(tmp_path: Path) -> None:
    old = studious.Trial.load(lay(tmp_path)).checkpoints
    old.save(10, state(10), 0.1)
    new = studious.Trial.load(lay(tmp_path, attempt=2)).checkpoints
    restored = new.restore()
    assert restored is not None
    assert restored[0] == 10
    # Its node is cut off: it still trains, and counts as lost.
    with pytest.raises(studious.StudiousError, match="attempt 2 of this trial has begun"):
        old.save(20, state(20), 0.05)
    new.save(30, state(30), 0.2)
    assert steps_kept(tmp_path) == [10, 30]
    assert len(events(tmp_path, "checkpoint")) == 2


def test_an_attempt_that_is_replaced_while_it_writes_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = studious.Trial.load(lay(tmp_path)).checkpoints
    old.save(10, state(10))
    new = studious.Trial.load(lay(tmp_path, attempt=2)).checkpoints
    real = os.fsync

    def meanwhile(descriptor: int) -> None:
        new.restore()
        real(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(studious.StudiousError, match="attempt 2 of this trial has begun"):
        old.save(20, state(20))
    assert steps_kept(tmp_path) == [10]


def test_unfinished_files_of_other_attempts(tmp_path: Path) -> None:
    folder = lay(tmp_path, attempt=2) / "checkpoints"
    folder.mkdir()
    for suffix in ("1", "1-ab", "3-ab"):
        (folder / f".step-0000000010.npz.{suffix}").write_bytes(b"x")
    studious.Trial.load(tmp_path).checkpoints.save(20, state(20))
    left = sorted(file.name for file in folder.iterdir() if not is_marker(file))
    # A newer attempt may be writing its own.
    assert left == [".step-0000000010.npz.3-ab", "step-0000000020.npz"]


class Stale:
    """Fails as a network file system does, so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def check(self) -> None:
        if self.left:
            self.left -= 1
            raise OSError(116, "Stale file handle")

    def replace(self, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
        if what == "list":
            real_list = Path.iterdir

            def listing(path: Path) -> Iterator[Path]:
                self.check()
                yield from real_list(path)

            monkeypatch.setattr(Path, "iterdir", listing)
            return
        real_open = Path.open

        def opening(path: Path, *args: Any, **options: Any) -> Any:
            of_interest = path.name == "step-0000000020.npz"
            if of_interest and what == "open":
                self.check()
            file = real_open(path, *args, **options)
            return StaleFile(file, self) if of_interest else file

        monkeypatch.setattr(Path, "open", opening)


class StaleFile:
    def __init__(self, file: Any, stale: Stale) -> None:
        self.file = file
        self.stale = stale
        self.seek = file.seek
        self.close = file.close

    def readinto(self, buffer: Any) -> Any:
        self.stale.check()
        return self.file.readinto(buffer)


@pytest.mark.parametrize("what", ["read", "open", "list"])
def test_a_file_that_cannot_be_read_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    trial.checkpoints.save(10, state(10), 0.1)
    trial.checkpoints.save(20, state(20), 0.2)
    monkeypatch.setattr(_volume, "_PAUSE", 0.0)
    again = studious.Trial.load(tmp_path).checkpoints
    with monkeypatch.context() as patched:
        Stale(times=1).replace(patched, what)
        restored = again.restore()
        assert restored is not None
        assert restored[0] == 20
    with monkeypatch.context() as patched:
        Stale(times=100).replace(patched, what)
        with pytest.raises(studious.StudiousError, match="Stale file handle"):
            again.restore()
        # Nor is it removed as one without a value.
        with pytest.raises(studious.StudiousError, match="Stale file handle"):
            again.save(30, state(30), 0.3)
    assert steps_kept(tmp_path) == [10, 20]


def test_a_disk_that_fails_to_sync_the_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    real, calls = os.fsync, []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(studious.StudiousError, match="Input/output error"):
        trial.checkpoints.save(10, state(10))
