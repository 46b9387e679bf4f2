"""Train a small network on real images of digits: ``python -m studious_trainer.digits``.

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
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

# Networks this small gain nothing from threads, and trials that share a machine lose by them.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp
import numpy as np
import optax

import studious
from studious_trainer import _data, _model, _optimizers
from studious_trainer._hosts import Hosts

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
        optimizer = given.choice("optimizer", _optimizers.OPTIMIZERS)
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
        if optimizer in _optimizers.WITH_MOMENTUM:
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


State = dict[str, Any]
"""``parameters`` and ``optimizer`` (the momentum, a tuple of leaves)."""

Since = tuple[Any, Any]
"""Of the updates since the last measurement: how many were clipped, and the largest loss."""

NOTHING: Since = (np.float32(0), np.float32(0))

Step = Callable[..., tuple[State, Since, jax.Array, jax.Array]]


def training_step(point: Point, structure: Any) -> Step:
    """Compile one update: ``(state, since, …) -> (state, since, loss, gradient norm)``.

    The norm is that of the gradient before any clipping. What varies between
    trials of the same shape is an argument, so that one compiled program (and
    one entry of JAX's cache) serves them all.
    """

    @partial(jax.jit, donate_argnums=0)
    def update(
        state: State,
        since: Since,
        images: jax.Array,
        labels: jax.Array,
        rates: dict[str, Any],
        key: jax.Array,
    ) -> tuple[State, Since, jax.Array, jax.Array]:
        dropout = (key, rates["dropout_rate"]) if point.dropout_rate else None

        def loss(parameters: _model.Parameters) -> jax.Array:
            scores = _model.logits(parameters, images, dropout)
            # The mean runs over every host's examples: its gradient is the mean over hosts.
            entropy = _model.cross_entropy(scores, labels, rates["label_smoothing"]).mean()
            penalty: jax.Array = rates["weight_decay"] * _model.squared_kernels(parameters)
            return entropy + penalty

        value, gradient = jax.value_and_grad(loss)(state["parameters"])
        norm = optax.global_norm(gradient)
        clipped, peak = since
        if point.gradient_clip:
            clipped = clipped + (norm > rates["gradient_clip"])
            gradient = _optimizers.clip(gradient, norm, rates["gradient_clip"])
        rule = _optimizers.direction(point.optimizer, rates["momentum"])
        momentum = jax.tree.unflatten(structure, state["optimizer"])
        updates, momentum = rule.update(gradient, momentum)
        state = {
            "parameters": _optimizers.apply(state["parameters"], updates, rates["learning_rate"]),
            "optimizer": tuple(jax.tree.leaves(momentum)),
        }
        # A maximum with NaN is NaN.
        return state, (clipped, jnp.maximum(peak, value)), value, norm

    return update


@jax.jit
def _scores(
    parameters: _model.Parameters, images: jax.Array, labels: jax.Array, weights: jax.Array
) -> tuple[jax.Array, jax.Array]:
    scores = _model.logits(parameters, images)
    wrong = jnp.argmax(scores, axis=1) != labels
    # A weight of 0 must also hide a NaN of the padded rows, hence where and not a product.
    loss = jnp.where(weights > 0, _model.cross_entropy(scores, labels), 0)
    return jnp.sum(wrong * weights), jnp.sum(loss)


def evaluate(
    parameters: _model.Parameters, examples: _data.Examples, batch: int
) -> tuple[float, float]:
    """Error rate and mean cross-entropy over all examples, for any batch size."""
    sums = [
        _scores(parameters, part.images, part.labels, weights)
        for part, weights in _data.padded(examples, batch)
    ]
    wrong, loss = (float(sum(np.float64(pair[i]) for pair in sums)) for i in (0, 1))
    if not math.isfinite(loss):
        # argmax over NaN picks class 0: an error rate of a diverged model would look like a result.
        wrong = math.nan
    return wrong / len(examples), loss / len(examples)


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


def train(trial: studious.Trial) -> None:
    """Run one trial from its first or its restored step to the end, or to divergence."""
    point = Point.of(trial)
    hosts = Hosts(trial.host)
    data = _data.Digits.load(trial.seeds.split)
    if point.batch_size % hosts.devices:
        raise studious.StudiousError(
            f"hyperparameters.batch_size is {point.batch_size}, which {hosts.devices} devices "
            "cannot share equally; make it a multiple of that"
        )
    mine = _data.shard(data.train, trial.host.index, trial.host.count)
    per_host = point.batch_size // trial.host.count
    if per_host > len(mine):
        raise studious.StudiousError(
            f"hyperparameters.batch_size is {point.batch_size}, but there are only "
            f"{len(data.train)} training examples; lower it"
        )

    parameters = _model.initialise(
        trial.seeds.init, point.width, point.hidden_layers, point.init_scale
    )
    rule = _optimizers.direction(point.optimizer, point.momentum)
    # Zeros, by the playbook's v[0] = 0; made by numpy so that nothing has to be compiled for it.
    momentum = jax.tree.map(
        lambda leaf: np.zeros(leaf.shape, leaf.dtype), jax.eval_shape(rule.init, parameters)
    )
    state: State = {
        "parameters": parameters,
        "optimizer": tuple(jax.tree.leaves(momentum)),
    }
    step = 0
    if restored := trial.checkpoints.restore():
        step, state = restored
        print(f"{trial.name}: resuming from step {step}", flush=True)
    hosts.agree("restored step", step)
    trial.init(state)
    if trial.should_evaluate(step) and trial.host.index == 0:
        # The attempt before may have been lost between this checkpoint and its evaluation.
        report(trial, step, state["parameters"], data, point.batch_size)

    update = training_step(point, jax.tree.structure(momentum))
    rates = {
        "momentum": np.float32(point.momentum),
        "label_smoothing": np.float32(point.label_smoothing),
        "weight_decay": np.float32(point.weight_decay),
        "dropout_rate": np.float32(point.dropout_rate),
        "gradient_clip": np.float32(point.gradient_clip or 0.0),
    }
    key = jax.random.key(trial.seeds.init) if point.dropout_rate else None
    state = hosts.replicate(state)
    source = _data.batches(mine, per_host, trial.seeds.data, step)
    throughput = Throughput()
    nothing = hosts.replicate(NOTHING)
    since, logged = nothing, step
    warming = True
    while step < trial.max_train_steps:
        rate = point.rate(trial, step)
        batch = throughput.next(source)
        state, since, loss, norm = update(
            state,
            since,
            hosts.assemble(batch.images),
            hosts.assemble(batch.labels),
            {**rates, "learning_rate": np.float32(rate)},
            None if key is None else jax.random.fold_in(key, step),
        )
        step += 1
        if warming:
            loss.block_until_ready()
            throughput.restart()  # compilation is not training
            warming = False
        if step % LOG_EVERY == 0 or step == trial.max_train_steps:
            measured = {
                "train_loss": float(loss),
                "gradient_norm": float(norm),
                "learning_rate": rate,
            }
            clipped, peak = (float(one) for one in since)
            if point.gradient_clip is not None:
                measured["clipped_fraction"] = clipped / (step - logged)
            since, logged = nothing, step
            trial.log(step, **measured, **throughput.read())
            # Every host sees the same loss, so all stop here; Studious ends the trial.
            if not math.isfinite(measured["train_loss"]):
                print(f"{trial.name}: train_loss is {loss} at step {step}", flush=True)
                return
            if not peak < BLOWN_UP:
                why = f"train_loss reached {peak:.2g} by step {step}: training has blown up"
                print(f"{trial.name}: {why}", flush=True)
                trial.infeasible(why)
                return
        value = None
        if trial.should_evaluate(step) and trial.host.index == 0:
            value = report(trial, step, Hosts.local(state["parameters"]), data, point.batch_size)
            throughput.restart()  # evaluation is not training
        if trial.should_checkpoint(step):
            trial.checkpoints.save(step, Hosts.local(state), value)
    trial.done(step)


def report(
    trial: studious.Trial,
    step: int,
    parameters: _model.Parameters,
    data: _data.Digits,
    batch_size: int,
) -> float:
    """Evaluate on the validation and training sets, log it, and return the objective."""
    batch = max(EVALUATION_BATCH, batch_size)
    error, loss = evaluate(parameters, data.validation, batch)
    train_error, _ = evaluate(parameters, data.train, batch)
    trial.log(step, validation_error=error, validation_loss=loss, train_error=train_error)
    return error if trial.objective.metric == "validation_error" else loss


def main() -> int:
    """Run the trial that the environment names; the exit status of the process."""
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        # These programs compile in less than the second from which JAX would keep them.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    try:
        train(studious.Trial.load())
    except studious.StudiousError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
