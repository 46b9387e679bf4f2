"""Nested dicts and sequences of arrays: flatten, rebuild, fingerprint.

A *tree* is an array, a mapping with string keys, a list or tuple (also a
NamedTuple), or None; leaves are what ``numpy.asarray`` takes: numpy and JAX
arrays, CPU tensors, numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from studious._errors import StudiousError

Tree: TypeAlias = Any
"""A nested structure of arrays; its shape is not expressible in Python's types."""

Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]
Array: TypeAlias = npt.NDArray[Any]


def leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Array]]:
    """Yield ``(path, array)`` of every leaf, in an order that ignores how dicts were filled."""
    if tree is None:
        return
    if isinstance(tree, Mapping):
        for key in tree:
            if not isinstance(key, str):
                raise StudiousError(
                    f"parameters at {shown(path)}: the key {key!r} is not a string; "
                    "use strings as keys"
                )
        for key in sorted(tree):
            yield from leaves(tree[key], (*path, key))
    elif isinstance(tree, list | tuple):
        for index, item in enumerate(tree):
            yield from leaves(item, (*path, index))
    else:
        yield path, _array(tree, path)


def fingerprint(tree: Tree) -> str:
    """SHA-256 (hex) of a tree: paths, dtypes, shapes and bytes of its leaves.

    The same for any order of dict keys, for lists and tuples, and for any
    memory layout or framework that holds the same numbers; different for any
    other bit. Numbers are hashed little-endian.
    """
    digest = hashlib.sha256()
    for path, array in leaves(tree):
        header = json.dumps([list(path), array.dtype.name, list(array.shape)])
        digest.update(header.encode() + b"\n")
        digest.update(portable(array).tobytes())
    return digest.hexdigest()


def portable(array: Array) -> Array:
    """Return the array contiguous and little-endian."""
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and not np.little_endian):
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.asarray(array, order="C")


def skeleton(tree: Tree, path: Path = ()) -> Any:
    """Describe the structure of a tree as JSON, leaves replaced by their shown path."""
    if tree is None:
        return {"none": True}
    if isinstance(tree, Mapping):
        return {"dict": {key: skeleton(tree[key], (*path, key)) for key in tree}}
    if isinstance(tree, list | tuple):
        kind = "tuple" if isinstance(tree, tuple) else "list"
        return {kind: [skeleton(item, (*path, index)) for index, item in enumerate(tree)]}
    return {"leaf": shown(path)}


def rebuild(described: Any, arrays: Mapping[str, Array]) -> Tree:
    """Make the tree again from its skeleton and its leaves by shown path."""
    match described:
        case {"none": True}:
            return None
        case {"dict": dict(items)}:
            return {key: rebuild(item, arrays) for key, item in items.items()}
        case {"list": list(items)}:
            return [rebuild(item, arrays) for item in items]
        case {"tuple": list(items)}:
            return tuple(rebuild(item, arrays) for item in items)
        case {"leaf": str(name)}:
            return arrays[name]
    raise ValueError(f"not a tree: {described!r:.80}")


def subtrees(tree: Tree) -> Iterator[Tree]:
    """Yield the tree and everything inside it, outermost first."""
    yield tree
    if isinstance(tree, Mapping):
        for item in tree.values():
            yield from subtrees(item)
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from subtrees(item)


def shown(path: Path) -> str:
    """Path as text that names one leaf and no other: a JSON list."""
    return json.dumps(list(path), separators=(",", ":"), ensure_ascii=False)


def _array(leaf: object, path: Path) -> Array:
    try:
        array = np.asarray(leaf)
    except Exception as error:
        raise StudiousError(
            f"parameters at {shown(path)}: {type(leaf).__name__} cannot be made a numpy array "
            f"({error}). Move it to the CPU or convert it first "
            "(for a JAX key: jax.random.key_data)"
        ) from error
    if array.dtype.hasobject or array.dtype.kind in "USmM":
        raise StudiousError(
            f"parameters at {shown(path)}: {type(leaf).__name__} is not an array of numbers; "
            "leave it out of the tree"
        )
    return array
