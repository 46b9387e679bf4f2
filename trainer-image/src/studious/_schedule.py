"""Learning-rate schedules: the reference implementation of the contract's formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studious._fields import Fields

_FAMILIES = ("Constant", "Linear", "Cosine")


@dataclass(frozen=True)
class Schedule:
    """Learning rate as a function of the step, counted from 0.

    With ``t`` the number of updates already made: while ``t < warmup_steps``
    the rate is ``base * t / warmup_steps``; then ``base`` for
    ``constant_steps``; then, over ``decay_steps``, from ``base`` down to
    ``base * end_factor``, on a straight line (``Linear``) or half a cosine
    (``Cosine``); after that ``base * end_factor``. ``Constant`` stays at
    ``base`` after the warmup.
    """

    family: str
    base: float
    warmup_steps: int = 0
    constant_steps: int = 0
    decay_steps: int = 0
    end_factor: float = 0.0

    def __call__(self, step: int) -> float:
        """Learning rate of the update that follows ``step`` finished updates."""
        if step < self.warmup_steps:
            return self.base * step / self.warmup_steps
        past = step - self.warmup_steps - self.constant_steps
        if self.family == "Constant" or past < 0:
            return self.base
        if past >= self.decay_steps:
            return self.base * self.end_factor
        progress = past / self.decay_steps
        if self.family == "Cosine":
            left = 0.5 * (1.0 + math.cos(math.pi * progress))
        else:
            left = 1.0 - progress
        return self.base * (self.end_factor + (1.0 - self.end_factor) * left)

    def array(self, steps: int) -> npt.NDArray[np.float64]:
        """Rates of the first ``steps`` updates; shape ``[steps]``."""
        return np.array([self(step) for step in range(steps)], dtype=np.float64)

    @classmethod
    def parse(cls, fields: Fields) -> Schedule:
        """Read the ``schedule`` object of trial.json."""

        def count(name: str) -> int:
            return fields.integer(name) if fields.has(name) else 0

        return cls(
            family=fields.choice("family", _FAMILIES),
            base=fields.number("base"),
            warmup_steps=count("warmupSteps"),
            constant_steps=count("constantSteps"),
            decay_steps=count("decaySteps"),
            end_factor=fields.number("endFactor") if fields.has("endFactor") else 0.0,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the schedule as trial.json writes it."""
        return {
            "family": self.family,
            "base": self.base,
            "warmupSteps": self.warmup_steps,
            "constantSteps": self.constant_steps,
            "decaySteps": self.decay_steps,
            "endFactor": self.end_factor,
        }
