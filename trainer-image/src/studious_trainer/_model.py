"""A multi-layer perceptron, and its loss."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from studious_trainer._data import CLASSES, PIXELS

Parameters = dict[str, dict[str, Any]]
"""Layer name to ``kernel`` [in, out] and ``bias`` [out]."""

_SLOPE = 0.1
"""Slope of the activation below zero. With 0, a learning rate far too high kills every unit and
the run sits at chance for ever; with a slope it diverges to NaN, and is seen to."""


def _layers(hidden: int) -> tuple[str, ...]:
    return (*(f"hidden_{number}" for number in range(1, hidden + 1)), "output")


def initialise(seed: int, width: int, hidden: int = 2, scale: float = 1.0) -> Parameters:
    """He-normal kernels and zero biases; the same seed gives the same bits on every host.

    numpy draws them: its streams do not depend on the accelerator or on the
    number of hosts, and nothing has to be compiled.

    Args:
      seed: of the draws.
      width: units of each hidden layer.
      hidden: number of hidden layers.
      scale: what every kernel is multiplied by; 1 is He's, which keeps
        activations as large as the inputs.

    """
    generator = np.random.default_rng(seed)
    sizes = (PIXELS, *[width] * hidden, CLASSES)
    return {
        layer: {
            "kernel": (
                generator.standard_normal((fan_in, fan_out), dtype=np.float32)
                * np.float32(scale * np.sqrt(2.0 / fan_in))
            ),
            "bias": np.zeros(fan_out, np.float32),
        }
        for layer, fan_in, fan_out in zip(_layers(hidden), sizes[:-1], sizes[1:], strict=True)
    }


def logits(parameters: Parameters, images: jax.Array, dropout: Any = None) -> jax.Array:
    """Scores of the classes, ``[n, 10]``.

    Args:
      parameters: as :func:`initialise` makes them.
      images: ``[n, 64]``.
      dropout: None, or ``(key, rate)`` to drop hidden units with that rate.

    """
    hidden = images
    # By name: JAX keeps no order of keys.
    for number, layer in enumerate(_layers(len(parameters) - 1)[:-1]):
        hidden = jax.nn.leaky_relu(
            hidden @ parameters[layer]["kernel"] + parameters[layer]["bias"], _SLOPE
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
