"""The problems: functions, real tuning problems, and trainings that diverge."""

from __future__ import annotations

from search_bench.problems import functions, kernels, training
from search_bench.problems.problem import Problem

__all__ = ["PROBLEMS", "Problem"]

PROBLEMS: dict[str, Problem] = {p.name: p for p in (*functions.problems(), *kernels.problems(), *training.problems())}
