"""The optimizers against the playbook's printed formulas (R-167 to R-169), in float64 by hand."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from studious_trainer import _optimizers

pytestmark = pytest.mark.jax

RATES = [0.0, 0.1, 0.3, 0.2, 0.05]
GAMMA = 0.9


def gradient(theta: np.ndarray) -> np.ndarray:
    """Of a quartic whose curvature differs by direction: any other update ends elsewhere."""
    return np.asarray(np.array([4.0, 0.5]) * theta + theta**3)


def sgd(theta: np.ndarray) -> np.ndarray:
    for eta in RATES:
        theta = theta - eta * gradient(theta)
    return theta


def momentum(theta: np.ndarray) -> np.ndarray:
    v = np.zeros_like(theta)
    for eta in RATES:
        v = GAMMA * v + gradient(theta)
        theta = theta - eta * v
    return theta


def nesterov(theta: np.ndarray) -> np.ndarray:
    v = np.zeros_like(theta)
    for eta in RATES:
        g = gradient(theta)
        v = GAMMA * v + g
        theta = theta - eta * (GAMMA * v + g)
    return theta


@pytest.mark.parametrize("formula", [sgd, momentum, nesterov])
def test_the_playbooks_formula_step_by_step(formula) -> None:  # type: ignore[no-untyped-def]
    with jax.enable_x64(True):
        theta = np.array([0.7, -1.1])
        rule = _optimizers.direction(formula.__name__, GAMMA)
        parameters, state = {"theta": jax.numpy.asarray(theta)}, rule.init({"theta": theta})
        for eta in RATES:
            grads = {"theta": gradient(np.asarray(parameters["theta"]))}
            updates, state = rule.update(grads, state)
            parameters = _optimizers.apply(parameters, updates, eta)
        np.testing.assert_allclose(parameters["theta"], formula(theta), rtol=1e-14)


def test_clipping_by_the_playbooks_formula() -> None:
    gradient = {"a": np.array([3.0, 0.0]), "b": np.array([4.0])}
    with jax.enable_x64(True):
        for threshold, factor in ((1.0, 0.2), (4.999, 0.9998), (5.0, 1.0), (7.0, 1.0)):
            clipped = _optimizers.clip(gradient, 5.0, threshold)
            for name, values in gradient.items():
                np.testing.assert_allclose(clipped[name], factor * values, rtol=1e-14)
        # What is not finite stays to be seen.
        assert np.isnan(_optimizers.clip({"a": np.array([np.nan])}, np.nan, 1.0)["a"]).all()
        assert np.isnan(_optimizers.clip({"a": np.array([np.inf])}, np.inf, 1.0)["a"]).all()
