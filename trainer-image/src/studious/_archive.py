"""The file of a checkpoint: a ``.npz`` without pickles, whole or not there at all."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from studious._leaves import Array, restored, shown
from studious._pytree import Tree, leaves, rebuild, skeleton
from studious._volume import sync_folder

_FORMAT = 1
_META = "studious.json"
DAMAGE = (
    ValueError,
    KeyError,
    IndexError,
    EOFError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
)
"""What parsing a file that was cut short, overwritten or flipped can raise."""


@contextlib.contextmanager
def writing(file: Path, unfinished_name: str, meta: dict[str, Any], tree: Tree) -> Iterator[None]:
    """Write the file under another name; it gets its own when the block is left."""
    unfinished = file.with_name(unfinished_name)
    dtypes: dict[str, str] = {}
    names: list[str] = []
    try:
        with unfinished.open("wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for path, leaf in leaves(tree, stored=True):
                    with archive.open(f"leaf-{len(names)}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, leaf.array, allow_pickle=False)
                    names.append(shown(path))
                    if leaf.unnamed:
                        dtypes[names[-1]] = leaf.dtype
                described = {"tree": skeleton(tree), "dtypes": dtypes, "names": names}
                line = json.dumps({"format": _FORMAT, **meta, **described}, allow_nan=False)
                archive.writestr(_META, line)
            stream.flush()
            os.fsync(stream.fileno())
        yield
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def read_meta(file: IO[bytes]) -> dict[str, Any]:
    """Read what was said about a checkpoint."""
    with zipfile.ZipFile(file) as archive:
        return _meta(archive)


def read(file: IO[bytes]) -> tuple[dict[str, Any], Tree]:
    """Read what was said about a checkpoint, and its tree."""
    with zipfile.ZipFile(file) as archive:
        meta = _meta(archive)
        arrays: dict[str, Array] = {}
        for index, name in enumerate(meta["names"]):
            with archive.open(f"leaf-{index}.npy") as member:
                arrays[name] = np.lib.format.read_array(member, allow_pickle=False)

        def array(name: str, kind: dict[str, Any]) -> Any:
            return restored(arrays[name], meta["dtypes"].get(name), kind)

        return meta, rebuild(meta["tree"], array)


def _meta(archive: zipfile.ZipFile) -> dict[str, Any]:
    meta = json.loads(archive.read(_META))
    if not isinstance(meta, dict) or meta.get("format") != _FORMAT:
        raise ValueError(f"not a checkpoint of format {_FORMAT}")
    return meta
