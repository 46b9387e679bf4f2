"""Initial parameters of the network, drawn by numpy: the same bits in every framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from studious_trainer._data import CLASSES, PIXELS

Parameters = dict[str, dict[str, Any]]
"""Layer name to ``kernel`` [in, out] and ``bias`` [out]."""

SLOPE = 0.1
"""Slope of the activation below zero. With 0, a learning rate far too high kills every unit and
the run sits at chance for ever; with a slope it diverges to NaN, and is seen to."""


def layers(hidden: int) -> tuple[str, ...]:
    """Names of the layers, from the first to the output."""
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
        for layer, fan_in, fan_out in zip(layers(hidden), sizes[:-1], sizes[1:], strict=True)
    }
