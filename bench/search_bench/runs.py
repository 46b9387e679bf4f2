"""The protocol: initial points, then suggestions one at a time or in batches. Each run is kept, so that an interrupted
comparison continues where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from search_bench.methods import METHODS, Method, studious
from search_bench.problems import PROBLEMS, Problem

INITIAL, TRIALS = 10, 60
RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True)
class Run:
    """One method on one problem with one batch size and seed."""

    method: str
    problem: str
    batch: int
    seed: int
    values: tuple[float | None, ...]
    """Of every trial, in order; None is infeasible."""
    seconds: float
    """Spent asking, wall clock."""

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What tells it from other runs."""
        return self.method, self.problem, self.batch, self.seed


def load(folder: Path = RESULTS) -> dict[tuple[str, str, int, int], Run]:
    """All runs that are kept."""
    runs: dict[tuple[str, str, int, int], Run] = {}
    for file in sorted(folder.glob("runs-*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            try:
                entry = json.loads(line)
                run = Run(**{**entry, "values": tuple(entry["values"])})
            except (TypeError, KeyError, json.JSONDecodeError) as error:
                raise ValueError(f"{file}:{number}: not a run ({error}); remove the line") from error
            runs[run.key] = run
    return runs


def keep(run: Run, folder: Path = RESULTS) -> None:
    """Append a run to its method's file."""
    folder.mkdir(exist_ok=True)
    with (folder / f"runs-{run.method}.jsonl").open("a") as file:
        file.write(json.dumps(asdict(run), separators=(",", ":")) + "\n")


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.9g}")


def perform(method: Method, problem: Problem, batch: int, seed: int) -> Run:
    """Run a method on a problem."""
    searcher = method.make(problem.space, seed)
    values: list[float | None] = []
    spent = 0.0
    if method.keeps_initial:
        points = studious.sample(problem.space, seed, INITIAL)
        values = [problem.evaluate(p) for p in points]
        searcher.start(points, values)
    values = list(values)
    while len(values) < INITIAL + TRIALS:
        count = min(batch, INITIAL + TRIALS - len(values))
        began = time.perf_counter()
        points = searcher.ask(count)
        spent += time.perf_counter() - began
        if len(points) != count:
            raise RuntimeError(f"{method.name} gave {len(points)} points for {problem.name}, not {count}")
        for p in points:
            problem.space.check(p)
            values.append(problem.evaluate(p))
        for number in range(len(values) - count, len(values)):
            searcher.tell(number, values[number])
    return Run(method.name, problem.name, batch, seed, tuple(map(_rounded, values)), round(spent, 3))


def wanted(
    methods: Iterable[str], problems: Iterable[str], batches: Iterable[int], seeds: int
) -> Iterator[tuple[Method, Problem, int, int]]:
    """Everything to run, seed by seed, so that what there is after an interruption is a whole comparison."""
    names, titles = list(methods), list(problems)
    for seed in range(seeds):
        for batch in batches:
            for name in names:
                for title in titles:
                    method, problem = METHODS[name], PROBLEMS[title]
                    if not method.adaptive and batch != 1:
                        continue
                    if method.variant_of and not problem.infeasible:
                        continue
                    yield method, problem, batch, seed
