from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_bench import runs
from search_bench.methods import METHODS, Method, studious
from search_bench.methods.plain import Halton, Random
from search_bench.problems import PROBLEMS
from search_bench.runs import Run
from search_bench.space import Point, Space
from search_bench.summary import FLOOR, Results, curves, rows, with_best_variants


def sample(space: Space, seed: int, count: int) -> list[Point]:
    """Stands in for `studious sample`, which these tests don't need."""
    return Halton(space, seed).ask(count)


@pytest.fixture(autouse=True)
def _without_studious(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studious, "sample", sample)


class Nosy(Random):
    """Notes what it is told."""

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self.started: list[float | None] = []
        self.asked: list[int] = []
        self.told: list[tuple[int, float | None]] = []

    def start(self, points: list[Point], values: list[float | None]) -> None:
        self.started = list(values)

    def ask(self, count: int) -> list[Point]:
        self.asked.append(count)
        return super().ask(count)

    def tell(self, number: int, value: float | None) -> None:
        self.told.append((number, value))


@pytest.mark.parametrize("batch", [1, 5, 7])
def test_a_run_tells_everything_once_and_in_order(batch: int) -> None:
    made: list[Nosy] = []

    def make(space: Space, seed: int) -> Nosy:
        made.append(Nosy(space, seed))
        return made[-1]

    run = runs.perform(Method("nosy", "", make), PROBLEMS["hartmann6-edge"], batch, 0)
    (nosy,) = made
    assert len(run.values) == 70
    assert nosy.started == [
        PROBLEMS["hartmann6-edge"].evaluate(p) for p in sample(PROBLEMS["hartmann6-edge"].space, 0, 10)
    ]
    assert sum(nosy.asked) == 60
    assert max(nosy.asked) == batch
    assert [n for n, _ in nosy.told] == list(range(10, 70))
    assert [None if v is None else float(f"{v:.9g}") for _, v in nosy.told] == list(run.values[10:])


def test_runs_are_kept_and_not_wanted_again(tmp_path: Path) -> None:
    run = runs.perform(METHODS["halton"], PROBLEMS["branin-log"], 1, 0)
    runs.keep(run, tmp_path)
    runs.keep(replace(run, seed=1), tmp_path)
    have = runs.load(tmp_path)
    assert have[run.key] == run
    assert len(have) == 2
    (tmp_path / "runs-halton.jsonl").write_text('{"method":\n')
    with pytest.raises(ValueError, match=r"runs-halton.jsonl:1: not a run"):
        runs.load(tmp_path)


def test_what_does_not_adapt_runs_once_and_variants_only_where_they_matter() -> None:
    wanted = [(m.name, p.name, b, s) for m, p, b, s in runs.wanted(METHODS, PROBLEMS, [1, 5], 2)]
    assert ("random", "branin-log", 1, 0) in wanted
    assert ("random", "branin-log", 5, 0) not in wanted
    assert ("gp-failed", "branin-log", 1, 0) not in wanted
    assert ("gp-failed", "heavy-ball", 5, 1) in wanted
    assert len(set(wanted)) == len(wanted)


def synthetic(method: str, quality: float, problems: list[str], seeds: int, batch: int = 1) -> list[Run]:
    made = []
    for p in problems:
        for seed in range(seeds):
            source = np.random.RandomState(seed)
            best = Results({}).best[p]
            values = [best + quality * (1 + x) for x in source.rand(70)]
            told = [None if PROBLEMS[p].infeasible and i % 4 == 0 else v for i, v in enumerate(values)]
            made.append(Run(method, p, batch, seed, tuple(told), 0.0))
    return made


def table(*groups: list[Run]) -> Results:
    return Results({r.key: r for g in groups for r in g})


def test_regret_is_never_negative_and_has_a_floor() -> None:
    chosen = ["branin-log", "heavy-ball"]
    results = table(synthetic("quasirandom", 1, chosen, 3), synthetic("studious", 0, chosen, 3))
    for run in results.runs.values():
        regrets = results.regrets(run)
        assert (regrets > 0).all()
        assert (np.diff(regrets[np.isfinite(regrets)]) <= 0).all()
    # All of the better ones reach the floor.
    assert results.regrets(results.of("studious", "branin-log", 1)[0])[-1] == results.floor["branin-log"]
    assert results.floor["branin-log"] == pytest.approx(FLOOR * 1.5, rel=0.2)


def test_a_value_below_the_optimum_becomes_the_optimum_and_is_reported() -> None:
    lucky = synthetic("studious", -1, ["mlp-digits"], 1)
    results = table(synthetic("quasirandom", 1, ["mlp-digits"], 1), lucky)
    assert results.beaten == ["mlp-digits"]
    assert (results.regrets(lucky[0]) > 0).all()


def test_the_table_ranks_the_better_one_first() -> None:
    chosen = ["branin-log", "hartmann6", "heavy-ball"]
    results = table(
        synthetic("quasirandom", 1, chosen, 5),
        synthetic("studious", 0.01, chosen, 5),
        synthetic("vizier", 0.1, chosen, 1),
    )
    ours, peers, reference = rows(results, ["studious", "vizier", "quasirandom"], chosen, 1)
    assert (ours.rank, peers.rank, reference.rank) == (1, 2, 3)
    assert ours.all == pytest.approx(0.01, rel=0.1)
    assert reference.all == 1
    assert ours.low <= ours.all <= ours.high
    assert ours.not_worse_than_peer == 1
    assert reference.not_worse_than_peer == 0
    assert ours.infeasible_share == pytest.approx(0.25, abs=0.02)
    assert (ours.seeds, peers.seeds) == (5, 1)
    lines = curves(results, "studious", chosen, 1)
    assert lines.shape == (5, 70)
    assert np.isfinite(lines).all()


def test_a_peer_is_shown_with_its_better_way_of_being_told() -> None:
    chosen = ["heavy-ball", "mlp-digits"]
    groups = [
        synthetic("quasirandom", 1, chosen, 2),
        synthetic("gp", 0.5, [*chosen, "branin-log"], 2),
        synthetic("gp-constraint", 0.1, chosen, 2),
        synthetic("gp-failed", 2, chosen, 1),
    ]
    merged, told = with_best_variants({r.key: r for g in groups for r in g})
    assert told == {("gp", 1): "gp-constraint"}
    assert {r.method for r in merged.values()} == {"quasirandom", "gp"}
    results = Results(merged)
    assert results.ratio("gp", "heavy-ball", 1) == pytest.approx(0.1, rel=0.1)
    assert len(results.of("gp", "branin-log", 1)) == 2
