"""Train a small network on real images of digits: ``python -m studious_trainer.digits``.

Hyperparameters: those of ``studious_trainer._point``; others are refused.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
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
from studious_trainer._point import EVALUATION_BATCH, LOG_EVERY, Point, Throughput, goes_on, shard

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
    mine, per_host = shard(trial, point, data)

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
            if not goes_on(trial, step, measured["train_loss"], peak):
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
