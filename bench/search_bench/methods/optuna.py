"""Optuna's samplers, by ask and tell."""

from __future__ import annotations

import warnings

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial, TrialState

from search_bench.space import Choice, Parameter, Point, Space, Value


def _constraint(value: float | None) -> float:
    return 1.0 if value is None else -1.0


def _distribution(p: Parameter) -> BaseDistribution:
    if isinstance(p, Choice):
        return CategoricalDistribution(p.values)
    log = p.scale != "Linear"
    if p.integer:
        return IntDistribution(int(p.min), int(p.max), log=log)
    low, high = (1 - p.max, 1 - p.min) if p.scale == "ReverseLog" else (p.min, p.max)
    return FloatDistribution(low, high, log=log)


def _suggest(trial: Trial, p: Parameter) -> Value:
    if isinstance(p, Choice):
        return str(trial.suggest_categorical(p.name, p.values))
    log = p.scale != "Linear"
    if p.integer:
        return int(trial.suggest_int(p.name, int(p.min), int(p.max), log=log))
    low, high = (1 - p.max, 1 - p.min) if p.scale == "ReverseLog" else (p.min, p.max)
    value = float(trial.suggest_float(p.name, low, high, log=log))
    # exp(log(x)) may leave the range by a rounding.
    return min(max(1 - value if p.scale == "ReverseLog" else value, p.min), p.max)


class Optuna:
    """A study of Optuna. TPE sees conditions as they are (define by run, `group=True`); GPSampler can't, and sees all
    parameters everywhere."""

    def __init__(self, space: Space, seed: int, sampler: str, told: str) -> None:
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._told = space, told
        self._flat = sampler == "gp"
        if sampler == "tpe":
            chosen: optuna.samplers.BaseSampler = optuna.samplers.TPESampler(
                multivariate=True, group=True, constant_liar=True, seed=seed
            )
        else:
            chosen = optuna.samplers.GPSampler(seed=seed, deterministic_objective=True)
        self._study = optuna.create_study(sampler=chosen)
        self._trials: list[Trial | None] = []
        self._worst: float | None = None

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Add trials that ended before."""
        self._worst = max((v for v in values if v is not None), default=None)
        for point, value in zip(points, values, strict=True):
            found: dict[str, Value] = {}
            for p in self._space.parameters:
                if p.name in point:
                    given = point[p.name]
                elif self._flat:
                    given = p.value(0.5)  # what doesn't exist at a point is given its middle
                else:
                    continue
                found[p.name] = 1 - float(given) if not isinstance(p, Choice) and p.scale == "ReverseLog" else given
            state, told = self._outcome(value)
            trial = optuna.trial.create_trial(
                state=state,
                value=told,
                params=found,
                distributions={p.name: _distribution(p) for p in self._space.parameters if p.name in found},
                constraints={"infeasible": _constraint(value)} if self._told == "constraint" else None,
            )
            self._study.add_trial(trial)
            self._trials.append(None)

    def _outcome(self, value: float | None) -> tuple[TrialState, float | None]:
        if value is not None:
            return TrialState.COMPLETE, value
        if self._told == "failed":
            return TrialState.FAIL, None
        if self._told == "pruned":
            return TrialState.PRUNED, None
        return TrialState.COMPLETE, 0.0 if self._worst is None else self._worst

    def ask(self, count: int) -> list[Point]:
        """Ask for trials one after the other; those not told of are running."""
        points = []
        for _ in range(count):
            trial = self._study.ask()
            flat: dict[str, Value] = {}
            for p in self._space.parameters:
                if self._flat or all(flat.get(n) in v for n, v in p.when.items()):
                    flat[p.name] = _suggest(trial, p)
            self._trials.append(trial)
            points.append(self._space.active(flat))
        return points

    def tell(self, number: int, value: float | None) -> None:
        """Tell a value, or that there is none in the way of this variant."""
        trial = self._trials[number]
        if trial is None:
            raise ValueError(f"trial {number} ended before")
        if value is not None:
            self._worst = value if self._worst is None else max(self._worst, value)
        if self._told == "constraint":
            trial.set_constraint("infeasible", _constraint(value))
        state, told = self._outcome(value)
        self._study.tell(trial, told, state)
