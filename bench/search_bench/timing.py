"""Processor time of one suggestion, each method on one core in the same run."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
from pathlib import Path

import numpy as np

from search_bench.methods import METHODS
from search_bench.problems import PROBLEMS
from search_bench.runs import RESULTS
from search_bench.space import Point

FILE = RESULTS / "timing.json"
PROBLEM = "noisy-quadratic"
"""Eight dimensions, one of them whole numbers, part infeasible."""


def _spent() -> float:
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def machine() -> str:
    """The processor, for the page."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def measure(methods: list[str], earlier: list[int], repeats: int) -> None:
    """Time suggestions after this many earlier trials, and keep the medians. A first suggestion, which loads and compiles,
    isn't counted, where a method stays in one process. Studious is a new process every time, and counted whole."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    problem = PROBLEMS[PROBLEM]
    for name in methods:
        for count in earlier:
            source = np.random.RandomState(5)
            points: list[Point] = [problem.space.point(source.rand(8).tolist()) for _ in range(count)]
            searcher = METHODS[name].make(problem.space, 0)
            searcher.start(points, [problem.evaluate(p) for p in points])
            times = []
            for turn in range(repeats + 1):
                began = _spent()
                (point,) = searcher.ask(1)
                times.append(_spent() - began)
                searcher.tell(count + turn, problem.evaluate(point))
            kept.setdefault(name, {})[str(count)] = round(statistics.median(times[1:]), 5)
            kept["machine"] = machine()
            print(f"{name} after {count} trials: {kept[name][str(count)]:.4f} s", flush=True)
            FILE.write_text(json.dumps(kept, indent=1) + "\n")
