"""Trees of numpy, JAX and Python's own values (F-117); those of torch are in pytorch/."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import studious

from folders import lay


def through(tmp_path: Path, tree: Any) -> Any:
    studious.Trial.load(lay(tmp_path)).checkpoints.save(1, tree)
    restored = studious.Trial.load(lay(tmp_path, attempt=2)).checkpoints.restore()
    assert restored is not None
    assert studious.fingerprint(restored[1]) == studious.fingerprint(tree)
    return restored[1]


def test_keys_may_be_integers_and_values_pythons_own(tmp_path: Path) -> None:
    tree = {
        "state": {0: {"step": 3}, 1: {"step": 4}},
        "param_groups": [{"params": [0, 1], "betas": (0.9, 0.999), "name": "all", "foreach": None}],
        "generator": np.random.default_rng(0).bit_generator.state,
        "loss": math.nan,
        "blob": b"\x00",
    }
    back = through(tmp_path, tree)
    assert math.isnan(back.pop("loss"))
    del tree["loss"]
    assert back == tree
    generator = np.random.default_rng(1)
    generator.bit_generator.state = back["generator"]
    assert generator.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "int4", "float16", "complex64"])
def test_arrays_of_jax_in_any_dtype(tmp_path: Path, name: str) -> None:
    array = jnp.arange(6).reshape(2, 3).astype(name)
    back = through(tmp_path, {"w": array})["w"]
    assert back.dtype == array.dtype
    assert back.tobytes() == np.asarray(array).tobytes()


def test_structured_and_other_arrays_of_numpy(tmp_path: Path) -> None:
    tree: list[Any] = [
        np.array([(1, 2.5)], dtype=[("id", "i4"), ("value", ">f8")]),
        np.array(["a", "bc"]),
        np.array(["2026-01-01"], "datetime64[D]"),
        np.longdouble(0.1),
    ]
    for back, was in zip(through(tmp_path, tree), tree, strict=True):
        assert (type(back), back.dtype) == (type(was), was.dtype)
        assert (back == was).all()


def test_the_key_of_an_integer_is_another_than_that_of_a_string() -> None:
    trees = [{0: np.ones(1)}, {"0": np.ones(1)}, {"a": "1"}, {"a": 1}, {"a": b"1"}, {"a": 2**70}]
    assert len({studious.fingerprint(tree) for tree in trees}) == len(trees)


def test_a_key_of_jax_is_told_how_to_be_saved() -> None:
    with pytest.raises(studious.StudiousError, match=r"For a JAX key: jax.random.key_data"):
        studious.fingerprint({"key": jax.random.key(0)})
