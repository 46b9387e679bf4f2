"""SGD, Momentum and Nesterov exactly as the tuning playbook prints them.

They are optax transformations; ``tests/test_optimizers.py`` holds them, and
gradient clipping, to the playbook's formulas step by step in float64.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax


def direction(optimizer: str, momentum: Any) -> optax.GradientTransformation:
    """Make what is multiplied by the learning rate and subtracted from the parameters.

    With ``v[0] = 0`` and ``g`` the gradient::

        sgd:       g
        momentum:  v[t+1] = momentum * v[t] + g;  v[t+1]
        nesterov:  v[t+1] = momentum * v[t] + g;  momentum * v[t+1] + g

    ``momentum`` may be traced, so that one compiled program serves every value.
    """
    if optimizer == "sgd":
        return optax.identity()
    return optax.trace(decay=momentum, nesterov=optimizer == "nesterov")


def clip(gradient: Any, norm: Any, threshold: Any) -> Any:
    """Return the gradient, ``threshold / norm`` times as long where its norm is above that.

    With ``g`` the gradient and ``λ`` the threshold: ``g' = λ g / |g|`` if ``|g| > λ``, else ``g``.
    """
    # Not the smaller of 1 and λ / |g|: that would make 0 of the NaN and infinities by which
    # divergence is seen.
    return optax.tree.scale(jnp.where(norm > threshold, threshold / norm, 1.0), gradient)


def apply(parameters: Any, updates: Any, learning_rate: Any) -> Any:
    """Take one step: ``parameters - learning_rate * updates``."""
    scaled = optax.tree.scale(-jnp.asarray(learning_rate), updates)
    return optax.apply_updates(parameters, scaled)
