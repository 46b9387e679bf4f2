"""Checkpoints: written whole or not at all, by host 0 only, readable by every host."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsFloat, SupportsIndex

import numpy as np

from studious._errors import StudiousError
from studious._metrics import MetricLog, checked_step
from studious._pytree import Array, Tree, fingerprint, leaves, portable, rebuild, shown, skeleton
from studious._pytree import subtrees as _subtrees

_FORMAT = 1
_NAME = re.compile(r"step-(\d{10})\.npz")
_UNFINISHED = re.compile(r"\.step-\d{10}\.npz\.\d+")
_META = "studious.json"
_DAMAGE = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile)
"""What reading a file that was cut short, overwritten or flipped can raise."""


@dataclass(frozen=True)
class _Restored:
    step: int
    tree: Tree
    fingerprint: str


class Checkpoints:
    """The checkpoints of a trial: ``checkpoints/`` to write, ``restore/`` to read.

    A checkpoint is one ``.npz`` file without pickles. It is written under
    another name, synced to the disk, and renamed, so that a file with the
    final name is always whole. The latest stays, and the ``keepBest`` best by
    objective beside it.
    """

    def __init__(
        self, folder: Path, metrics: MetricLog, *, writer: bool, keep_best: int, minimize: bool
    ) -> None:
        self._own = folder / "checkpoints"
        self._shared = folder / "restore"
        self._metrics = metrics
        self._writer = writer
        self._keep_best = keep_best
        self._minimize = minimize
        self._restored: _Restored | None = None
        self._values: dict[int, float | None] | None = None

    def save(
        self, step: SupportsIndex, tree: Tree, value: SupportsFloat | SupportsIndex | None = None
    ) -> Path | None:
        """Save everything a resumed run needs, after ``step`` updates.

        Args:
          step: updates made so far.
          tree: nested dicts, lists and tuples of arrays; tuples of any kind
            come back as tuples.
          value: objective at this step, if it was evaluated; decides which
            checkpoints are the best.

        Returns:
          The file, or None on hosts other than 0, which write nothing.

        """
        step = checked_step(step, "checkpoints.save")
        if not self._writer:
            return None
        number = None if value is None else float(value)
        print_ = fingerprint(tree)
        file = self._own / f"step-{step:010d}.npz"
        meta = {
            "format": _FORMAT,
            "step": step,
            # JSON has no NaN; a checkpoint without a usable value is never among the best.
            "value": number if number is not None and math.isfinite(number) else None,
            "parameters_sha256": print_,
            "tree": skeleton(tree),
        }
        values = self._known_values()
        try:
            self._own.mkdir(parents=True, exist_ok=True)
            with _writing(file, meta, tree):
                # Reported before it can be found: there is never a checkpoint to restore whose
                # fingerprint is unknown. One reported and not found is only an older restore.
                self._metrics.event("checkpoint", {"step": step, "parameters_sha256": print_})
        except OSError as error:
            raise StudiousError(
                f"{file}: the checkpoint cannot be written ({error.strerror or error}). "
                "Check the checkpoint volume's free space and its permissions"
            ) from error
        values[step] = meta["value"]
        self._prune(latest=step)
        return file

    def restore(self) -> tuple[int, Tree] | None:
        """Read the latest whole checkpoint, as numpy arrays; None when there is none.

        Reads ``restore/`` (host 0's checkpoints), or ``checkpoints/`` where
        there is no such folder. A file that is damaged is named on standard
        error and the one before it is taken.
        """
        folder = self._shared if self._shared.is_dir() else self._own
        for step, file in sorted(_files(folder).items(), reverse=True):
            try:
                meta, tree = _read(file)
                if meta["step"] != step or fingerprint(tree) != meta["parameters_sha256"]:
                    raise ValueError("its contents are not those that were saved")
            except (
                OSError,
                ValueError,
                KeyError,
                EOFError,
                TypeError,
                zipfile.BadZipFile,
            ) as error:
                print(
                    f"studious: {file} is damaged and left out ({error}); "
                    "trying the checkpoint before it",
                    file=sys.stderr,
                )
                continue
            self._restored = _Restored(step, tree, meta["parameters_sha256"])
            return step, tree
        return None

    def identify(self, parameters: Tree) -> tuple[str, int | None]:
        """Return what the init event says of these parameters: fingerprint, restored step."""
        mine = fingerprint(parameters)
        restored = self._restored
        if restored is None:
            return mine, None
        # What was saved is more than the parameters (optimizer state, counters), so the
        # parameters may be any part of it; the event compares the checkpoint as a whole.
        if mine == restored.fingerprint or any(
            fingerprint(part) == mine for part in _subtrees(restored.tree)
        ):
            return restored.fingerprint, restored.step
        raise StudiousError(
            f"init: the parameters are not those restored from step {restored.step}. "
            "After checkpoints.restore() pass the restored tree (or its part with the "
            "parameters) to init, before any update"
        )

    def _known_values(self) -> dict[int, float | None]:
        """Objective of the checkpoints already there, read once; also clears unfinished files."""
        if self._values is None:
            self._values = {}
            for step, file in _files(self._own).items():
                try:
                    self._values[step] = _read_meta(file)["value"]
                except _DAMAGE:
                    self._values[step] = None
            if self._own.is_dir():
                for left in self._own.iterdir():
                    if _UNFINISHED.fullmatch(left.name):
                        left.unlink(missing_ok=True)
        return self._values

    def _prune(self, latest: int) -> None:
        values = self._known_values()
        sign = 1.0 if self._minimize else -1.0
        ranked = sorted((sign * value, step) for step, value in values.items() if value is not None)
        kept = {latest, *(step for _, step in ranked[: self._keep_best])}
        for step in set(values) - kept:
            (self._own / f"step-{step:010d}.npz").unlink(missing_ok=True)
            del values[step]


def _files(folder: Path) -> dict[int, Path]:
    with contextlib.suppress(FileNotFoundError):
        return {
            int(match[1]): file
            for file in folder.iterdir()
            if (match := _NAME.fullmatch(file.name))
        }
    return {}


@contextlib.contextmanager
def _writing(file: Path, meta: dict[str, Any], tree: Tree) -> Iterator[None]:
    """Write the file under another name; it gets its own when the block is left."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    dtypes: dict[str, str] = {}
    arrays: list[tuple[str, Array]] = []
    for path, array in leaves(tree):
        name = shown(path)
        array = portable(array)
        if array.dtype.kind == "V":
            # numpy's format has no name for bfloat16 and its kin: keep the bytes, note the name.
            dtypes[name] = array.dtype.name
            array = array.view(f"u{array.dtype.itemsize}")
        arrays.append((name, array))
    meta = {**meta, "dtypes": dtypes, "names": [name for name, _ in arrays]}
    try:
        with unfinished.open("wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_META, json.dumps(meta, allow_nan=False))
                for index, (_, array) in enumerate(arrays):
                    with archive.open(f"leaf-{index}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, array, allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())
        yield
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        # Makes the rename itself durable; some network file systems refuse, and need not.
        with contextlib.suppress(OSError):
            os.fsync(directory)
    finally:
        os.close(directory)


def _read_meta(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        return _meta(archive)


def _read(file: Path) -> tuple[dict[str, Any], Tree]:
    with zipfile.ZipFile(file) as archive:
        meta = _meta(archive)
        arrays: dict[str, Array] = {}
        for index, name in enumerate(meta["names"]):
            with archive.open(f"leaf-{index}.npy") as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
            if name in meta["dtypes"]:
                array = array.view(_named_dtype(meta["dtypes"][name]))
            arrays[name] = array
        return meta, rebuild(meta["tree"], arrays)


def _meta(archive: zipfile.ZipFile) -> dict[str, Any]:
    meta = json.loads(archive.read(_META))
    if not isinstance(meta, dict) or meta.get("format") != _FORMAT:
        raise ValueError(f"not a checkpoint of format {_FORMAT}")
    return meta


def _named_dtype(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # registers bfloat16 and the float8 kinds; there when JAX is

        registered: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return registered
