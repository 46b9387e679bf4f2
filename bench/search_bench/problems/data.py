"""Small real data sets that ship with scikit-learn, split and standardised once."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from sklearn import datasets


@dataclass(frozen=True)
class Split:
    """Inputs are standardised with the training part's mean and deviation."""

    x: np.ndarray
    y: np.ndarray
    validation_x: np.ndarray
    validation_y: np.ndarray


def _split(x: np.ndarray, y: np.ndarray, train: int, validation: int) -> Split:
    order = np.random.RandomState(20230119).permutation(len(x))
    a, b = order[:train], order[train : train + validation]
    mean, deviation = x[a].mean(axis=0), x[a].std(axis=0) + 1e-3
    scaled = (x - mean) / deviation
    return Split(scaled[a], y[a], scaled[b], y[b])


@functools.cache
def digits(train: int = 400, validation: int = 600) -> Split:
    """Images of digits, ten classes, as 64 pixels."""
    bunch = datasets.load_digits()
    split = _split(bunch.data.astype(float), bunch.target, train, validation)
    # A pixel that is nearly always blank would be a huge outlier where it isn't.
    return Split(np.clip(split.x, -4, 4), split.y, np.clip(split.validation_x, -4, 4), split.validation_y)


@functools.cache
def breast_cancer() -> Split:
    """Thirty measurements of cells, two classes (-1 and 1)."""
    bunch = datasets.load_breast_cancer()
    return _split(bunch.data.astype(float), 2 * bunch.target - 1, 250, 319)


@functools.cache
def diabetes() -> Split:
    """Ten measurements of patients; the target standardised."""
    bunch = datasets.load_diabetes()
    y = (bunch.target - bunch.target.mean()) / bunch.target.std()
    return _split(bunch.data.astype(float), y, 240, 202)
