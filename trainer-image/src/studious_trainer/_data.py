"""scikit-learn's bundled digits: 1,797 real 8x8 images, split by seed, dealt to hosts."""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studious import StudiousError

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]

CLASSES = 10
PIXELS = 64

_TRAIN, _VALIDATION = 1_100, 400  # the other 297 are the test set


@dataclass(frozen=True)
class Examples:
    """Images ``[n, 64]`` in [0, 1] and labels ``[n]`` in [0, 10)."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> Examples:
        """Return the examples in these rows, in this order."""
        return Examples(self.images[rows], self.labels[rows])


@dataclass(frozen=True)
class Digits:
    """The split data set. The test set is for the question asked last; training leaves it alone."""

    train: Examples
    validation: Examples
    test: Examples

    @classmethod
    def load(cls, split_seed: int) -> Digits:
        """Read the images and split them; the same seed gives the same split."""
        # The file is read directly: importing scikit-learn would cost a second per trial.
        with gzip.open(_file(), "rt", encoding="ascii") as stream:
            table = np.loadtxt(stream, delimiter=",", dtype=np.float32)
        every = Examples(table[:, :-1] / np.float32(16), table[:, -1].astype(np.int32))
        order = np.random.default_rng(split_seed).permutation(len(every))
        train, validation, test = np.split(order, [_TRAIN, _TRAIN + _VALIDATION])
        return cls(every.take(train), every.take(validation), every.take(test))


def shard(examples: Examples, index: int, count: int) -> Examples:
    """Return host ``index``'s part of ``count`` equal parts (the odd rest is left out)."""
    each = len(examples) // count
    return examples.take(np.arange(index, each * count, count))


def batches(examples: Examples, size: int, data_seed: int, start: int) -> Iterator[Examples]:
    """Yield training batches for ever, from the one that follows ``start`` updates.

    The order within an epoch depends on ``(data_seed, epoch)`` alone, so a
    resumed run sees what an unbroken one would. An epoch's last partial batch
    is left out; every example has the same chance to be in it.
    """
    each = len(examples) // size
    while True:
        epoch, batch = divmod(start, each)
        order = np.random.default_rng([data_seed, epoch]).permutation(len(examples))
        for first in range(batch * size, each * size, size):
            yield examples.take(order[first : first + size])
            start += 1


def padded(examples: Examples, size: int) -> Iterator[tuple[Examples, Images]]:
    """Yield evaluation batches of exactly ``size`` with weights ``[size]``: 0 where padded."""
    for first in range(0, len(examples), size):
        rows = np.arange(first, first + size)
        inside = rows < len(examples)
        yield examples.take(np.where(inside, rows, 0)), inside.astype(np.float32)


def _file() -> Path:
    found = importlib.util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise StudiousError(
            "the digits come with scikit-learn, which is not installed; "
            "install it: pip install scikit-learn"
        )
    return Path(found.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
