"""Vizier's default designer (GP-UCB-PE), by its designer interface."""

from __future__ import annotations

import logging

import jax
from vizier import algorithms as vza
from vizier import pyvizier as vz
from vizier._src.algorithms.designers.gp_ucb_pe import VizierGPUCBPEBandit
from vizier.pyvizier.converters import padding

from search_bench.space import Choice, Point, Space, Value

jax.config.update("jax_enable_x64", True)


class Vizier:
    """What `Algorithm.DEFAULT` of Vizier's service makes, with a seed. It needs a flat space, so it sees the parameters
    of conditions everywhere; `ReverseLog` is given as the logarithm of 1 - x."""

    def __init__(self, space: Space, seed: int) -> None:
        logging.getLogger("absl").setLevel(logging.ERROR)
        self._space = space
        problem = vz.ProblemStatement()
        root = problem.search_space.root
        for p in space.parameters:
            if isinstance(p, Choice):
                root.add_categorical_param(p.name, list(p.values))
                continue
            scale = vz.ScaleType.LINEAR if p.scale == "Linear" else vz.ScaleType.LOG
            if p.integer:
                root.add_int_param(p.name, int(p.min), int(p.max), scale_type=scale)
            elif p.scale == "ReverseLog":
                root.add_float_param(p.name, 1 - p.max, 1 - p.min, scale_type=scale)
            else:
                root.add_float_param(p.name, p.min, p.max, scale_type=scale)
        problem.metric_information.append(vz.MetricInformation(name="loss", goal=vz.ObjectiveMetricGoal.MINIMIZE))
        # Its own option which pads the trials to a power of two, with masks: else JAX compiles anew for every suggestion,
        # which is most of its time.
        padded = padding.PaddingSchedule(num_trials=padding.PaddingType.POWERS_OF_2)
        self._designer = VizierGPUCBPEBandit(problem, rng=jax.random.PRNGKey(seed), padding_schedule=padded)
        self._trials: list[vz.Trial] = []
        self._new: list[vz.Trial] = []

    def start(self, points: list[Point], values: list[float | None]) -> None:
        """Trials that ended before; what doesn't exist at a point is given its middle."""
        for point, value in zip(points, values, strict=True):
            flat: dict[str, Value] = {}
            for p in self._space.parameters:
                found = point.get(p.name, p.value(0.5))
                flat[p.name] = 1 - float(found) if not isinstance(p, Choice) and p.scale == "ReverseLog" else found
            self._trials.append(vz.Trial(id=len(self._trials) + 1, parameters=flat))
            self.tell(len(self._trials) - 1, value)

    def ask(self, count: int) -> list[Point]:
        """What the designer suggests, told of new results and of trials in flight."""
        flying = [t for t in self._trials if not t.is_completed]
        self._designer.update(vza.CompletedTrials(self._new), vza.ActiveTrials(flying))
        self._new = []
        points = []
        for suggestion in self._designer.suggest(count):
            trial = suggestion.to_trial(len(self._trials) + 1)
            self._trials.append(trial)
            flat: dict[str, Value] = {}
            for p in self._space.parameters:
                value = trial.parameters.get_value(p.name)
                if isinstance(p, Choice):
                    flat[p.name] = str(value)
                    continue
                number = 1 - float(value) if p.scale == "ReverseLog" else float(value)
                number = min(max(number, p.min), p.max)
                flat[p.name] = round(number) if p.integer else number
            points.append(self._space.active(flat))
        return points

    def tell(self, number: int, value: float | None) -> None:
        """Complete a trial, as infeasible when it has no value."""
        trial = self._trials[number]
        if value is None:
            trial.complete(vz.Measurement(), infeasibility_reason="diverged")
        else:
            trial.complete(vz.Measurement(metrics={"loss": value}))
        self._new.append(trial)
