"""The methods: each suggests points, and gets their outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from search_bench.methods.searcher import Searcher
from search_bench.space import Space

__all__ = ["METHODS", "Method", "Searcher"]


@dataclass(frozen=True)
class Method:
    """A way to choose points."""

    name: str
    label: str
    make: Callable[[Space, int], Searcher]
    """From a space and a seed. Imports its library when called: the harness works without the peers."""
    adaptive: bool = True
    """Whether it looks at results; if not, the batch size changes nothing and it is run once."""
    keeps_initial: bool = True
    """Whether it continues from the shared initial points, or has a sequence of its own from the start."""
    infeasible_as: str = ""
    """How it learns that a point is infeasible."""
    variant_of: str = ""
    """Another way to tell a peer of infeasible points: run on problems that have some, the better one is published."""


def _studious(space: Space, seed: int) -> Searcher:
    from search_bench.methods.studious import Bayesian

    return Bayesian(space, seed)


def _quasirandom(space: Space, seed: int) -> Searcher:
    from search_bench.methods.studious import QuasiRandom

    return QuasiRandom(space, seed)


def _halton(space: Space, seed: int) -> Searcher:
    from search_bench.methods.plain import Halton

    return Halton(space, seed)


def _random(space: Space, seed: int) -> Searcher:
    from search_bench.methods.plain import Random

    return Random(space, seed)


def _vizier(space: Space, seed: int) -> Searcher:
    from search_bench.methods.vizier import Vizier

    return Vizier(space, seed)


def _optuna(sampler: str, told: str) -> Callable[[Space, int], Searcher]:
    def make(space: Space, seed: int) -> Searcher:
        from search_bench.methods.optuna import Optuna

        return Optuna(space, seed, sampler, told)

    return make


METHODS: dict[str, Method] = {
    m.name: m
    for m in (
        Method("quasirandom", "Studious QuasiRandom", _quasirandom, adaptive=False, keeps_initial=False),
        Method("random", "uniform random", _random, adaptive=False),
        Method("halton", "scipy scrambled Halton", _halton, adaptive=False, keeps_initial=False),
        # Whether TPE is given the worst value, a pruned trial or a violated constraint, it suggests the same: it only ranks.
        Method("tpe", "Optuna TPE", _optuna("tpe", "worst"), infeasible_as="the worst value seen so far"),
        Method("gp", "Optuna GPSampler", _optuna("gp", "worst"), infeasible_as="the worst value seen so far"),
        Method(
            "gp-failed",
            "Optuna GPSampler",
            _optuna("gp", "failed"),
            infeasible_as="a failed trial",
            variant_of="gp",
        ),
        Method(
            "gp-constraint",
            "Optuna GPSampler",
            _optuna("gp", "constraint"),
            infeasible_as="a violated constraint",
            variant_of="gp",
        ),
        Method("vizier", "Vizier (GP-UCB-PE)", _vizier, infeasible_as="an infeasible trial"),
        Method("studious", "Studious Bayesian", _studious, infeasible_as="an infeasible trial"),
    )
}
