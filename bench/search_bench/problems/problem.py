"""What a problem is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from search_bench.space import Point, Space


@dataclass(frozen=True)
class Problem:
    """A function to minimise, which is None where the point is infeasible."""

    name: str
    space: Space
    evaluate: Callable[[Point], float | None]
    infeasible: bool
    """Whether part of the space is infeasible."""
    says: str
    """What it is, in a line."""
    known: float | None = None
    """The best value, where mathematics gives it; else `optima.json` has the best that a long search found."""
