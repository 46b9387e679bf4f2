"""A multi-layer perceptron, and its loss."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from studious_trainer._initial import SLOPE, Parameters, initialise, layers

__all__ = ["Parameters", "cross_entropy", "initialise", "logits", "squared_kernels"]


def logits(parameters: Parameters, images: jax.Array, dropout: Any = None) -> jax.Array:
    """Scores of the classes, ``[n, 10]``.

    Args:
      parameters: as :func:`initialise` makes them.
      images: ``[n, 64]``.
      dropout: None, or ``(key, rate)`` to drop hidden units with that rate.

    """
    hidden = images
    # By name: JAX keeps no order of keys.
    for number, layer in enumerate(layers(len(parameters) - 1)[:-1]):
        hidden = jax.nn.leaky_relu(
            hidden @ parameters[layer]["kernel"] + parameters[layer]["bias"], SLOPE
        )
        if dropout is not None:
            key, rate = dropout
            kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - rate, hidden.shape)
            hidden = jnp.where(kept, hidden / (1 - rate), 0)
    scores: jax.Array = hidden @ parameters["output"]["kernel"] + parameters["output"]["bias"]
    return scores


def cross_entropy(scores: jax.Array, labels: jax.Array, smoothing: Any = 0.0) -> jax.Array:
    """Cross-entropy of every example, ``[n]``, against labels smoothed towards uniform."""
    log_probabilities = jax.nn.log_softmax(scores)
    right = jnp.take_along_axis(log_probabilities, labels[:, None], axis=1)[:, 0]
    entropy: jax.Array = -(1 - smoothing) * right - smoothing * log_probabilities.mean(axis=1)
    return entropy


def squared_kernels(parameters: Parameters) -> jax.Array:
    """Half the sum of squares of all kernels: what weight decay multiplies."""
    squares = [jnp.sum(layer["kernel"] ** 2) for layer in parameters.values()]
    return 0.5 * jnp.sum(jnp.stack(squares))
