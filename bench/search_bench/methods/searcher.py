"""What every method offers."""

from __future__ import annotations

from typing import Protocol

from search_bench.space import Point


class Searcher(Protocol):
    """Points asked for are numbered from 0 in the order in which they came, initial points included."""

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Begin with these points and their values; None is infeasible."""

    def ask(self, count: int) -> list[Point]:
        """The next points. What was asked for and not told of is in flight."""

    def tell(self, number: int, value: float | None) -> None:
        """The value of a point; None when it is infeasible."""
