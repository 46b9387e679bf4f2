"""Studious, by its public command: `studious sample` and `studious suggest`."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from search_bench.space import Point, Space, study

ROOT = Path(__file__).resolve().parents[3]


def program() -> str:
    """The command: $STUDIOUS, or what `make release` built."""
    return os.environ.get("STUDIOUS", str(ROOT / "target" / "release" / "studious"))


def _points(arguments: list[str], space: Space) -> list[Point]:
    done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    points: list[Point] = [json.loads(line)["hyperparameters"] for line in done.stdout.splitlines()]
    for p in points:
        space.check(p)
    return points


def sample(space: Space, seed: int, count: int) -> list[Point]:
    """The first quasi-random points of a study with this space and seed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(study(space, "QuasiRandom", seed, count))
        points = _points(["sample", "--study", str(file), "--count", str(count)], space)
    if len(points) != count:
        raise RuntimeError(f"studious sample gave {len(points)} points, not {count}")
    return points


class QuasiRandom:
    """The quasi-random sequence, 70 points long."""

    def __init__(self, space: Space, seed: int) -> None:
        self._points = sample(space, seed, 70)
        self._next = 0

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Nothing to learn."""

    def ask(self, count: int) -> list[Point]:
        """The next points of the sequence."""
        self._next += count
        return self._points[self._next - count : self._next]

    def tell(self, number: int, value: float | None) -> None:
        """Nothing to learn."""


class Bayesian:
    """`studious suggest`, each time a new process with all trials in a file."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._folder = tempfile.TemporaryDirectory()
        self._study = Path(self._folder.name) / "study.yaml"
        self._trials = Path(self._folder.name) / "trials.jsonl"
        self._study.write_text(study(space, "Bayesian", seed, 1000))
        self._told: list[dict[str, object]] = []

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Trials that ended before."""
        for p in points:
            self._told.append({"hyperparameters": p, "pending": True})
        for i, value in enumerate(values):
            self.tell(i, value)

    def ask(self, count: int) -> list[Point]:
        """What the command suggests."""
        self._trials.write_text("".join(json.dumps(t) + "\n" for t in self._told))
        arguments = ["suggest", "--study", str(self._study), "--trials", str(self._trials), "--count", str(count)]
        points = _points(arguments, self._space)
        self._told.extend({"hyperparameters": p, "pending": True} for p in points)
        return points

    def tell(self, number: int, value: float | None) -> None:
        """Note what became of a trial."""
        outcome: dict[str, object] = {"infeasible": True} if value is None else {"objective": value}
        self._told[number] = {"hyperparameters": self._told[number]["hyperparameters"], **outcome}
