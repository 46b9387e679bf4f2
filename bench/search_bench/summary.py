"""What the runs add up to."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from search_bench import optima
from search_bench.methods import METHODS
from search_bench.problems import PROBLEMS
from search_bench.runs import INITIAL, TRIALS, Run

FLOOR = 1e-4
"""A regret smaller than this share of a typical point's (the median of quasi-random points) counts as this: a method that
finds an optimum to ten digits hasn't done a million times better than one that finds it to four."""

REFERENCE = "quasirandom"
Key = tuple[str, str, int, int]


@dataclass(frozen=True)
class Row:
    """A method's figures over a set of problems with one batch size."""

    method: str
    problems: int
    seeds: int
    """The fewest that any problem has."""
    all: float
    """Geometric mean of median regrets as ratios to quasi-random's."""
    feasible: float
    infeasible: float
    low: float
    """Of `all`, the 5th percentile when seeds are drawn again (bootstrap)."""
    high: float
    """Of `all`, the 95th."""
    rank: float
    """Mean over problems of the rank of the median regret among the methods compared."""
    infeasible_share: float
    """Of the suggestions after the initial points, on problems that have an infeasible region."""
    not_worse_than_peer: float
    """Share of problems where the median regret isn't larger than the peer's, on the seeds that both have. NaN unless the peer
    has run on all problems of the table."""


class Results:
    """Runs with the optimum and the floor of each problem."""

    def __init__(self, runs: dict[Key, Run]) -> None:
        self.runs = dict(runs)
        # What doesn't look at results is the same in any batch.
        for run in runs.values():
            if not METHODS[run.method].adaptive:
                self.runs[run.method, run.problem, 5, run.seed] = replace(run, batch=5)
        self.best: dict[str, float] = {}
        self.beaten: list[str] = []
        self.floor: dict[str, float] = {}
        for name, problem in PROBLEMS.items():
            values = [v for r in self.runs.values() if r.problem == name for v in r.values if v is not None]
            known = optima.optimum(problem)
            self.best[name] = min([known, *values])
            if self.best[name] < known - 1e-9 * max(1, abs(known)):
                self.beaten.append(name)
            typical = [
                v
                for r in self.runs.values()
                if r.problem == name and r.method == REFERENCE and r.batch == 1
                for v in r.values
                if v is not None
            ]
            if typical:
                self.floor[name] = FLOOR * (statistics.median(typical) - self.best[name])

    def regrets(self, run: Run) -> np.ndarray:
        """The simple regret after each trial, at least the floor; infinite before the first feasible one."""
        best = np.minimum.accumulate([np.inf if v is None else v for v in run.values])
        return np.maximum(best - self.best[run.problem], self.floor[run.problem])

    def of(self, method: str, problem: str, batch: int) -> dict[int, Run]:
        """Runs by seed."""
        return {k[3]: r for k, r in self.runs.items() if k[:3] == (method, problem, batch)}

    def only(self, seeds: set[int]) -> Results:
        """The runs with these seeds, measured from the same optima."""
        fewer = copy.copy(self)
        fewer.runs = {k: r for k, r in self.runs.items() if k[3] in seeds}
        return fewer

    def ratio(self, method: str, problem: str, batch: int, seeds: Iterable[int] | None = None) -> float:
        """The median regret after all trials as a ratio to quasi-random's (all seeds)."""
        mine = self.of(method, problem, batch)
        chosen = mine if seeds is None else {s: mine[s] for s in seeds}
        return self._median(chosen.values()) / self._median(self.of(REFERENCE, problem, batch).values())

    def _median(self, runs: Iterable[Run]) -> float:
        return statistics.median(float(self.regrets(r)[-1]) for r in runs)

    def have(self, method: str, batch: int, seeds: int = 1) -> list[str]:
        """Problems of which a method has this many seeds at least."""
        return [p for p in PROBLEMS if len(self.of(method, p, batch)) >= seeds]

    def interval(self, method: str, problems: list[str], batch: int) -> tuple[float, float]:
        """The 5th and 95th percentile of the geometric mean when the seeds of each problem are drawn again."""
        source = np.random.default_rng(0)
        logs = []
        for p in problems:
            mine = np.array([self.regrets(r)[-1] for r in self.of(method, p, batch).values()])
            theirs = np.array([self.regrets(r)[-1] for r in self.of(REFERENCE, p, batch).values()])
            a = np.median(source.choice(mine, (2000, len(mine))), axis=1)
            b = np.median(source.choice(theirs, (2000, len(theirs))), axis=1)
            logs.append(np.log(a) - np.log(b))
        low, high = np.exp(np.quantile(np.mean(logs, axis=0), [0.05, 0.95]))
        return float(low), float(high)


def geometric_mean(values: list[float]) -> float:
    """NaN of nothing."""
    return float(np.exp(np.mean(np.log(values)))) if values else float("nan")


def chosen_variants(results: Results, batch: int) -> dict[str, str]:
    """For each peer that was given infeasible points in several ways, the way that did best on the problems where all
    of them ran."""
    chosen: dict[str, str] = {}
    for base in {m.variant_of for m in METHODS.values() if m.variant_of}:
        names = [base, *(m.name for m in METHODS.values() if m.variant_of == base)]
        names = [n for n in names if any(PROBLEMS[p].infeasible for p in results.have(n, batch))]
        common = [p for p in PROBLEMS if PROBLEMS[p].infeasible and all(p in results.have(n, batch) for n in names)]
        if len(names) < 2 or not common:
            continue

        def score(name: str, common: list[str] = common, names: list[str] = names) -> float:
            ratios = []
            for p in common:
                seeds = set.intersection(*(set(results.of(n, p, batch)) for n in names))
                ratios.append(results.ratio(name, p, batch, seeds))
            return geometric_mean(ratios)

        chosen[base] = min(names, key=score)
    return chosen


def with_best_variants(runs: dict[Key, Run]) -> tuple[dict[Key, Run], dict[tuple[str, int], str]]:
    """Runs in which every peer is the best of its variants on problems with an infeasible region."""
    results = Results(runs)
    merged = {k: r for k, r in runs.items() if not METHODS[r.method].variant_of}
    told: dict[tuple[str, int], str] = {}
    for batch in (1, 5):
        for base, name in chosen_variants(results, batch).items():
            told[base, batch] = name
            if name == base:
                continue
            for key, run in runs.items():
                if key[0] == base and key[2] == batch and PROBLEMS[key[1]].infeasible:
                    merged.pop(key, None)
                if key[0] == name and key[2] == batch:
                    merged[(base, *key[1:])] = replace(run, method=base)
    return merged, told


def ranks(results: Results, methods: list[str], problems: list[str], batch: int) -> dict[str, float]:
    """The mean rank of each method; ties share the mean of their places."""
    from scipy.stats import rankdata

    table = [[round(results.ratio(m, p, batch), 12) for m in methods] for p in problems]
    means = np.mean([rankdata(row) for row in table], axis=0) if table else [float("nan")] * len(methods)
    return dict(zip(methods, map(float, means), strict=True))


def rows(results: Results, methods: list[str], problems: list[str], batch: int, peer: str = "vizier") -> list[Row]:
    """The table for problems of which every method has at least one run."""
    places = ranks(results, methods, problems, batch)
    made = []
    for m in methods:
        ratios = {p: results.ratio(m, p, batch) for p in problems}
        edge = [p for p in problems if PROBLEMS[p].infeasible]

        def mean(keep: Callable[[str], bool], ratios: dict[str, float] = ratios) -> float:
            return geometric_mean([r for p, r in ratios.items() if keep(p)])

        after = [v for p in edge for r in results.of(m, p, batch).values() for v in r.values[INITIAL:]]
        shared = [p for p in problems if set(results.of(m, p, batch)) & set(results.of(peer, p, batch))]
        wins = 0
        for p in shared:
            seeds = set(results.of(m, p, batch)) & set(results.of(peer, p, batch))
            wins += results.ratio(m, p, batch, seeds) <= results.ratio(peer, p, batch, seeds) * (1 + 1e-9)
        low, high = results.interval(m, problems, batch)
        made.append(
            Row(
                m,
                len(problems),
                min((len(results.of(m, p, batch)) for p in problems), default=0),
                mean(lambda _: True),
                mean(lambda p: not PROBLEMS[p].infeasible),
                mean(lambda p: PROBLEMS[p].infeasible),
                low,
                high,
                places[m],
                sum(v is None for v in after) / len(after) if after else float("nan"),
                wins / len(shared) if problems and len(shared) == len(problems) else float("nan"),
            )
        )
    return made


def curves(results: Results, method: str, problems: list[str], batch: int) -> np.ndarray:
    """For each seed and trial, the geometric mean over problems of the regret as a ratio to quasi-random's last median.
    Seeds that not all problems have are left out."""
    seeds = set.intersection(*(set(results.of(method, p, batch)) for p in problems)) if problems else set()
    lines = []
    for seed in sorted(seeds):
        logs = []
        for p in problems:
            regret = results.regrets(results.of(method, p, batch)[seed])
            # Before the first feasible point there is no regret: the largest finite one of the reference stands for it.
            finite = [x for r in results.of(REFERENCE, p, batch).values() for x in results.regrets(r) if np.isfinite(x)]
            regret = np.minimum(regret, max(finite))
            last = statistics.median(float(results.regrets(r)[-1]) for r in results.of(REFERENCE, p, batch).values())
            logs.append(np.log(regret / last))
        lines.append(np.exp(np.mean(logs, axis=0)))
    return np.array(lines) if lines else np.empty((0, INITIAL + TRIALS))
