"""Search spaces: written once, and told to Studious and to every peer from the same description."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = float | int | str
Point = dict[str, Value]
Scale = Literal["Linear", "Log", "ReverseLog"]


@dataclass(frozen=True)
class Range:
    """An interval, both ends included. `ReverseLog` is even in the logarithm of 1 - x."""

    name: str
    min: float
    max: float
    scale: Scale = "Linear"
    integer: bool = False
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def value(self, unit: float) -> Value:
        """The value at `unit` (0 to 1) of the way along the scale."""
        low, high = self.min, self.max
        if self.integer:  # every whole number gets a cell of its own
            low, high = low - 0.5, high + 0.5
        if self.scale == "Log":
            value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        elif self.scale == "ReverseLog":
            value = 1 - math.exp(math.log1p(-low) + unit * (math.log1p(-high) - math.log1p(-low)))
        else:
            value = low + unit * (high - low)
        if self.integer:
            return int(min(max(math.floor(value + 0.5), self.min), self.max))
        return min(max(value, self.min), self.max)


@dataclass(frozen=True)
class Choice:
    """One of a few values without an order."""

    name: str
    values: tuple[str, ...]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def value(self, unit: float) -> Value:
        """The value whose share of the unit interval holds `unit`."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]


Parameter = Range | Choice


@dataclass(frozen=True)
class Space:
    """Parameters, each after the ones that its condition names."""

    parameters: tuple[Parameter, ...]

    @property
    def dimensions(self) -> int:
        """How many parameters there are, conditional ones included."""
        return len(self.parameters)

    @property
    def conditional(self) -> bool:
        """Whether any parameter has a condition."""
        return any(p.when for p in self.parameters)

    def active(self, flat: Mapping[str, Value]) -> Point:
        """The point without the parameters whose conditions don't hold."""
        point: Point = {}
        for p in self.parameters:
            if all(point.get(name) in values for name, values in p.when.items()):
                point[p.name] = flat[p.name]
        return point

    def point(self, units: list[float]) -> Point:
        """The point at a place in the unit cube, a coordinate for each parameter."""
        return self.active({p.name: p.value(u) for p, u in zip(self.parameters, units, strict=True)})

    def check(self, point: Mapping[str, Value]) -> None:
        """Raise unless the point is in the space: no method may leave it, or give what doesn't exist there."""
        expected = {p.name for p in self.parameters if all(point.get(n) in v for n, v in p.when.items())}
        if set(point) != expected:
            raise ValueError(f"point {dict(point)} has other parameters than {sorted(expected)}")
        for p in self.parameters:
            if p.name not in point:
                continue
            value = point[p.name]
            if isinstance(p, Choice):
                inside = value in p.values
            else:
                number = float(value)
                inside = p.min <= number <= p.max and (not p.integer or number == int(number))
            if not inside:
                raise ValueError(f"{p.name} = {value!r} is outside {p}")


def study(space: Space, algorithm: str, seed: int, trials: int) -> str:
    """A study file with this space, as Studious reads it (JSON is YAML)."""
    hyperparameters: list[dict[str, object]] = []
    for p in space.parameters:
        entry: dict[str, object] = {"name": p.name, "role": "Nuisance"}
        if p.when:
            entry["when"] = {name: list(values) for name, values in p.when.items()}
        if isinstance(p, Choice):
            entry["values"] = list(p.values)
        else:
            entry["range"] = {"min": p.min, "max": p.max, "scale": p.scale}
            if p.integer:
                entry["range"] = {"min": int(p.min), "max": int(p.max), "scale": p.scale, "integer": True}
        hyperparameters.append(entry)
    return json.dumps(
        {
            "apiVersion": "studious.dev/v1alpha1",
            "kind": "Study",
            "metadata": {"name": "bench"},
            "spec": {
                "goal": "Which search finds the best point?",
                "objective": {"metric": "loss", "direction": "Minimize"},
                "hyperparameters": hyperparameters,
                "search": {"algorithm": algorithm, "seed": seed},
                "rounds": [{"name": "search", "trials": trials, "maxTrainSteps": 1}],
                "evaluation": {"everySteps": 1},
                "trial": {"template": {"spec": {"containers": [{"name": "trainer", "image": "bench"}]}}},
            },
        },
        indent=1,
    )
