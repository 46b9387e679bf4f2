"""Methods that don't look at results."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from search_bench.space import Point, Space


class Random:
    """Independent uniform points."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._source = space, np.random.RandomState(1000 + seed)

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Nothing to learn."""

    def ask(self, count: int) -> list[Point]:
        """Uniform points."""
        return [self._space.point(self._source.rand(self._space.dimensions).tolist()) for _ in range(count)]

    def tell(self, number: int, value: float | None) -> None:
        """Nothing to learn."""


class Halton:
    """scipy's scrambled Halton sequence."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._sequence = qmc.Halton(space.dimensions, scramble=True, rng=np.random.default_rng(seed))

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Nothing to learn."""

    def ask(self, count: int) -> list[Point]:
        """The next points of the sequence."""
        return [self._space.point(row.tolist()) for row in self._sequence.random(count)]

    def tell(self, number: int, value: float | None) -> None:
        """Nothing to learn."""
