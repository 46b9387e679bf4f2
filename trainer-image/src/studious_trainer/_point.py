"""The hyperparameters of the digits trainers, and what both frameworks do alike.

Hyperparameters (others are refused):

====================  =======================================================
optimizer             ``sgd``, ``momentum`` or ``nesterov``
learning_rate         base rate; without a schedule, the rate of every step
one_minus_momentum    with ``momentum`` and ``nesterov`` only, in (0, 1]
width                 units of each hidden layer
hidden_layers         optional, 2 unless given
init_scale            optional, 1 unless given: what He's kernels are multiplied by
batch_size            examples per update, over all hosts together
label_smoothing       optional, in [0, 1)
weight_decay          optional, >= 0: L2 penalty on kernels, part of the loss
dropout_rate          optional, in [0, 1): hidden units dropped in training
gradient_clip         optional: norm above which gradients are clipped; 0 clips none
warmup_steps          optional: updates over which the rate rises from 0, whatever the
                      schedule; for studies that compare warmups
====================  =======================================================
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import studious
from studious_trainer import _data

OPTIMIZERS = ("sgd", "momentum", "nesterov")
WITH_MOMENTUM = ("momentum", "nesterov")

LOG_EVERY = 10
"""Steps between measurements; device values are fetched only then."""

EVALUATION_BATCH = 512

BLOWN_UP = 1e6
"""Training loss at which a run has blown up: guessing costs 2.3, and no start is worse than a few
hundred. The network is so forgiving that float32 may hold out for the whole run, at losses of
1e30; that is no result."""


@dataclass(frozen=True)
class Point:
    """The hyperparameters of a trial, checked."""

    optimizer: str
    learning_rate: float
    momentum: float
    width: int
    batch_size: int
    label_smoothing: float
    weight_decay: float
    dropout_rate: float
    hidden_layers: int
    init_scale: float
    gradient_clip: float | None
    """None without the hyperparameter; 0 clips nothing."""
    warmup_steps: int

    @classmethod
    def of(cls, trial: studious.Trial) -> Point:
        """Read the trial's hyperparameters; raises StudiousError naming what is wrong."""
        given = trial.hyperparameters
        optimizer = given.choice("optimizer", OPTIMIZERS)
        known = {
            "optimizer",
            "learning_rate",
            "width",
            "batch_size",
            "label_smoothing",
            "weight_decay",
            "dropout_rate",
            "hidden_layers",
            "init_scale",
            "gradient_clip",
            "warmup_steps",
        }
        momentum = 0.0
        if optimizer in WITH_MOMENTUM:
            known.add("one_minus_momentum")
            momentum = 1.0 - _bounded(given, "one_minus_momentum", 0.0, 1.0)
        given.only(known)
        point = cls(
            optimizer=optimizer,
            learning_rate=_bounded(given, "learning_rate", 0.0, math.inf),
            momentum=momentum,
            width=given.integer("width"),
            batch_size=given.integer("batch_size"),
            label_smoothing=_bounded(given, "label_smoothing", 0.0, 1.0, 0.0),
            weight_decay=_bounded(given, "weight_decay", 0.0, math.inf, 0.0),
            dropout_rate=_bounded(given, "dropout_rate", 0.0, 1.0, 0.0),
            hidden_layers=given.integer("hidden_layers", 2),
            init_scale=_bounded(given, "init_scale", 0.0, math.inf, 1.0),
            gradient_clip=(
                _bounded(given, "gradient_clip", 0.0, math.inf)
                if "gradient_clip" in given
                else None
            ),
            warmup_steps=given.integer("warmup_steps", 0),
        )
        for name in ("width", "batch_size", "hidden_layers"):
            value = getattr(point, name)
            if value < 1:
                raise studious.StudiousError(
                    f"hyperparameters.{name} must be at least 1; found {value}. Correct its range"
                )
        if not 0 <= point.warmup_steps < trial.max_train_steps:
            raise studious.StudiousError(
                f"hyperparameters.warmup_steps must be at least 0 and below maxTrainSteps, "
                f"{trial.max_train_steps}; found {point.warmup_steps}. Correct its range"
            )
        if point.warmup_steps and trial.schedule and trial.schedule.warmup_steps:
            raise studious.StudiousError(
                f"hyperparameters.warmup_steps is {point.warmup_steps}, but the schedule warms up "
                f"for {trial.schedule.warmup_steps} steps already; remove one of the two"
            )
        if trial.objective.metric not in ("validation_error", "validation_loss"):
            raise studious.StudiousError(
                f"objective.metric is `{trial.objective.metric}`, which this trainer does not "
                "evaluate on held-out data; use validation_error or validation_loss"
            )
        return point

    def rate(self, trial: studious.Trial, step: int) -> float:
        """Learning rate of the update that follows ``step`` finished updates."""
        rate = trial.schedule(step) if trial.schedule else self.learning_rate
        return rate * step / self.warmup_steps if step < self.warmup_steps else rate


def _bounded(
    given: studious.Hyperparameters,
    name: str,
    low: float,
    high: float,
    default: float | None = None,
) -> float:
    value = given.number(name, default)
    if not low <= value <= high:
        raise studious.StudiousError(
            f"hyperparameters.{name} must be between {low:g} and {high:g}; found {value:g}. "
            "Correct its range in the study"
        )
    return value


def shard(trial: studious.Trial, point: Point, data: _data.Digits) -> tuple[_data.Examples, int]:
    """Return this host's part of the training data, and its share of each batch."""
    mine = _data.shard(data.train, trial.host.index, trial.host.count)
    per_host = point.batch_size // trial.host.count
    if per_host > len(mine):
        raise studious.StudiousError(
            f"hyperparameters.batch_size is {point.batch_size}, but there are only "
            f"{len(data.train)} training examples; lower it"
        )
    return mine, per_host


def goes_on(trial: studious.Trial, step: int, loss: float, peak: float) -> bool:
    """Whether to train on after these losses; says why not, and reports a blown-up run."""
    if not math.isfinite(loss):
        # Every host sees the same loss, so all stop here; Studious ends the trial.
        print(f"{trial.name}: train_loss is {loss} at step {step}", flush=True)
        return False
    if not peak < BLOWN_UP:
        why = f"train_loss reached {peak:.2g} by step {step}: training has blown up"
        print(f"{trial.name}: {why}", flush=True)
        trial.infeasible(why)
        return False
    return True


class Throughput:
    """Examples per second of this host, and the share of time spent waiting for data.

    Of the time since the last reading; the trial's throughput is the sum over its hosts.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what was measured; what follows counts from now."""
        self._began = time.perf_counter()
        self._examples = 0
        self._waited = 0.0

    def next(self, source: Iterator[_data.Examples]) -> _data.Examples:
        """Take this host's next batch and count it."""
        before = time.perf_counter()
        batch = next(source)
        self._waited += time.perf_counter() - before
        self._examples += len(batch)
        return batch

    def read(self) -> dict[str, float]:
        """Return the measurements and start anew."""
        elapsed = max(time.perf_counter() - self._began, 1e-9)
        measured = {
            "examples_per_second": self._examples / elapsed,
            "data_wait_fraction": min(self._waited / elapsed, 1.0),
        }
        self.restart()
        return measured
