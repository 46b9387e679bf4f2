"""Nested dicts and sequences of arrays: flatten, rebuild, fingerprint.

A *tree* is a leaf, a mapping whose keys are strings or integers, a list or tuple (also a
NamedTuple), or None. Leaves are arrays of numpy, JAX and torch in any dtype, and Python's own
numbers, strings and bytes: what ``state_dict()`` of a model and of an optimizer hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from studious._errors import StudiousError
from studious._leaves import Key, Leaf, Path, is_plain, leaf, made_of, plain, shown

Tree: TypeAlias = Any
"""A nested structure of arrays; its shape is not expressible in Python's types."""


def leaves(tree: Tree, path: Path = (), *, stored: bool = False) -> Iterator[tuple[Path, Leaf]]:
    """Yield ``(path, leaf)`` of every leaf, in an order that ignores how dicts were filled.

    With ``stored`` those alone that a skeleton does not hold: arrays.
    """
    if tree is None:
        return
    if isinstance(tree, Mapping):
        for key in sorted(_keys(tree, path), key=_order):
            yield from leaves(tree[key], (*path, key), stored=stored)
    elif isinstance(tree, list | tuple):
        for index, item in enumerate(tree):
            yield from leaves(item, (*path, index), stored=stored)
    elif not (stored and is_plain(tree)):
        yield path, leaf(tree, path)


def _keys(tree: Mapping[Any, Any], path: Path) -> list[Key]:
    for key in tree:
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise StudiousError(
                f"parameters at {shown(path)}: the key {key!r} is neither a string nor an "
                "integer; use one of them as the key"
            )
    return list(tree)


def _order(key: Key) -> tuple[bool, int, str]:
    return (True, 0, key) if isinstance(key, str) else (False, key, "")


def fingerprint(tree: Tree) -> str:
    """SHA-256 (hex) of a tree: paths, dtypes, shapes and bytes of its leaves.

    The same for any order of dict keys, for lists and tuples, and for any
    memory layout, device or framework that holds the same numbers; different
    for any other bit. Numbers are hashed little-endian.
    """
    digest = hashlib.sha256()
    for path, one in leaves(tree):
        for part in one.hashed(path):
            digest.update(part)
    return digest.hexdigest()


def skeleton(tree: Tree, path: Path = ()) -> Any:
    """Describe the structure of a tree as JSON, arrays replaced by their shown path."""
    if tree is None:
        return {"none": True}
    if isinstance(tree, Mapping):
        keys = _keys(tree, path)
        items = [(key, skeleton(tree[key], (*path, key))) for key in keys]
        # JSON's keys are strings.
        return {"dict": dict(items)} if all(isinstance(k, str) for k in keys) else {"items": items}
    if isinstance(tree, list | tuple):
        sequence = "tuple" if isinstance(tree, tuple) else "list"
        return {sequence: [skeleton(item, (*path, index)) for index, item in enumerate(tree)]}
    kind = made_of(tree)
    return kind if "plain" in kind else {"leaf": shown(path), **kind}


def rebuild(described: Any, array: Callable[[str, dict[str, Any]], Any]) -> Tree:
    """Make the tree again from its skeleton.

    Args:
      described: as :func:`skeleton` does.
      array: makes the array with this shown path, of what it was made of.

    """
    match described:
        case {"none": True}:
            return None
        case {"dict": dict(items)}:
            return {key: rebuild(item, array) for key, item in items.items()}
        case {"items": list(items)}:
            return {key: rebuild(item, array) for key, item in items}
        case {"list": list(items)}:
            return [rebuild(item, array) for item in items]
        case {"tuple": list(items)}:
            return tuple(rebuild(item, array) for item in items)
        case {"plain": dict(value)}:
            return plain(value)
        case {"leaf": str(name)}:
            return array(name, described)
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
