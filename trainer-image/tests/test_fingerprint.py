from __future__ import annotations

import hashlib
import struct
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from studious import StudiousError, fingerprint

TREE: dict[str, Any] = {
    "layer": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(3)},
    "steps": [np.int64(1), 2],
}


def test_the_same_numbers_have_the_same_fingerprint_however_they_are_held() -> None:
    Pair = namedtuple("Pair", ["first", "second"])
    kernel = TREE["layer"]["kernel"]
    same = [
        {"steps": TREE["steps"], "layer": {"bias": np.zeros(3), "kernel": kernel}},
        {**TREE, "steps": (np.int64(1), 2)},
        {**TREE, "steps": Pair(np.int64(1), 2)},
        {**TREE, "layer": {**TREE["layer"], "kernel": np.asfortranarray(kernel)}},
        {**TREE, "layer": {**TREE["layer"], "kernel": kernel.astype(">f4")}},
        {**TREE, "nothing": None, "empty": {}},
    ]
    assert {fingerprint(tree) for tree in same} == {fingerprint(TREE)}


@pytest.mark.parametrize(
    "changed",
    [
        {**TREE, "steps": [np.int64(2), 1]},
        {**TREE, "steps": [np.int64(1)]},
        {**TREE, "steps": [np.int32(1), 2]},
        {"other": TREE["layer"], "steps": TREE["steps"]},
        {**TREE, "layer": {**TREE["layer"], "bias": np.zeros((3, 1))}},
        {**TREE, "layer": {**TREE["layer"], "bias": np.array([0, 0, 5e-324])}},
        {**TREE, "layer": {**TREE["layer"], "bias": np.array([0.0, 0.0, -0.0])}},
    ],
)
def test_any_other_bit_is_another_fingerprint(changed: dict[str, Any]) -> None:
    assert fingerprint(changed) != fingerprint(TREE)


def test_it_stays_the_same_between_releases() -> None:
    tree = {"w": np.array([1.0, 2.0], np.float32), "n": [np.array(3, np.int64)]}
    # Written out by hand: the operator compares what hosts with different releases report.
    hashed = b'[["n", 0], "int64", []]\n' + struct.pack("<q", 3)
    hashed += b'[["w"], "float32", [2]]\n' + struct.pack("<2f", 1, 2)
    assert fingerprint(tree) == hashlib.sha256(hashed).hexdigest()


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"a": [object()]}, r'\["a",0\]: object is not an array of numbers'),
        ({"a": np.array([{}])}, r'\["a"\]: ndarray is not an array of numbers'),
        ({"a": {(1, 2): 3}}, r'at \["a"\]: the key \(1, 2\) is neither a string nor an integer'),
        ({True: 3}, "the key True is neither"),
    ],
)
def test_what_cannot_be_hashed_is_named(tree: Any, said: str) -> None:
    with pytest.raises(StudiousError, match=said):
        fingerprint(tree)
