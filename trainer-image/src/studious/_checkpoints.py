"""Checkpoints: written whole or not at all, by host 0 only, readable by every host.

The folder outlives an attempt, and an attempt that counts as lost may still run:
its node is cut off, say. Each attempt leaves a marker, and one that finds the
marker of a newer one writes and removes nothing any more.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import re
import secrets
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, SupportsFloat, SupportsIndex, TypeVar, cast

import numpy as np

from studious._errors import StudiousError
from studious._metrics import MetricLog, checked_step
from studious._pytree import Array, Tree, fingerprint, leaves, portable, rebuild, shown, skeleton
from studious._pytree import subtrees as _subtrees

_FORMAT = 1
_NAME = re.compile(r"step-(\d{10})\.npz")
_UNFINISHED = re.compile(r"\.step-\d{10}\.npz\.(\d+)(-[0-9a-f]+)?")
"""With the attempt and a random part; earlier versions wrote the process id alone."""
_MARKER = re.compile(r"\.attempt-(\d+)")
_META = "studious.json"
_DAMAGE = (
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
_TRIES = 3
_PAUSE = 0.5
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)
"""How file systems refuse to sync a directory, which need not."""

_T = TypeVar("_T")


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
    objective beside it. An attempt of the trial that was replaced by a newer
    one can no longer save.
    """

    def __init__(
        self,
        folder: Path,
        metrics: MetricLog,
        *,
        writer: bool,
        attempt: int,
        keep_best: int,
        minimize: bool,
        restore_at_most: int | None = None,
    ) -> None:
        self._own = folder / "checkpoints"
        self._shared = folder / "restore"
        self._metrics = metrics
        self._writer = writer
        self._attempt = attempt
        self._keep_best = keep_best
        self._minimize = minimize
        self._restore_at_most = restore_at_most
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

        Raises:
          StudiousError: when the file cannot be written, or a newer attempt of
            the trial has begun.

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
        try:
            self._own.mkdir(parents=True, exist_ok=True)
            self._mark()
            self._refuse_if_replaced()
            values = self._known_values()
            unfinished = f".{file.name}.{self._attempt}-{secrets.token_hex(8)}"
            with _writing(file, unfinished, meta, tree):
                self._refuse_if_replaced()
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

    def _mark(self) -> None:
        """Leave this attempt's marker: earlier ones that still run find it."""
        (self._own / f".attempt-{self._attempt}").touch()

    def _refuse_if_replaced(self) -> None:
        markers = (_MARKER.fullmatch(file.name) for file in self._own.iterdir())
        newest = max((int(marker[1]) for marker in markers if marker), default=0)
        if newest > self._attempt:
            raise StudiousError(
                f"{self._own}: attempt {newest} of this trial has begun, so attempt "
                f"{self._attempt} can no longer save checkpoints. End this process"
            )

    def restore(self) -> tuple[int, Tree] | None:
        """Read the latest whole checkpoint, as numpy arrays; None when there is none.

        Reads ``restore/`` (host 0's checkpoints), or ``checkpoints/`` where
        there is no such folder. A file that is damaged is named on standard
        error and the one before it is taken. A file that cannot be read is not
        known to be damaged.

        Where ``checkpoint.restoreAtMost`` is given, later checkpoints are left
        out, and host 0 removes them: evaluations before them were lost with a
        pod, and training goes through those steps again.

        Evaluate what was restored, if its step is one to evaluate: an attempt
        may be lost between its checkpoint and its evaluation.

        Raises:
          StudiousError: when the folder or a file cannot be read.

        """
        folder = self._shared if _is_folder(self._shared) else self._own
        if self._writer:
            # Before anything is read: what an earlier attempt saved from now on would be lost.
            # Where it cannot be written, save says so.
            with contextlib.suppress(OSError):
                self._mark()
        for step, file in sorted(_files(folder).items(), reverse=True):
            if self._restore_at_most is not None and step > self._restore_at_most:
                self._remove(step)
                continue
            try:
                meta, tree = _reading(file, _read)
                if meta["step"] != step or fingerprint(tree) != meta["parameters_sha256"]:
                    raise ValueError("its contents are not those that were saved")
            except FileNotFoundError:
                # Host 0 has saved a newer one and removed this one since the folder was listed.
                continue
            except _DAMAGE as error:
                print(
                    f"studious: {file} is damaged and left out ({error}); "
                    "trying the checkpoint before it",
                    file=sys.stderr,
                )
                continue
            self._restored = _Restored(step, tree, meta["parameters_sha256"])
            return step, tree
        return None

    def _remove(self, step: int) -> None:
        """Remove one of host 0's own checkpoints that training goes through again."""
        if self._writer:
            # One that cannot be removed is left out again next time, as far as Studious asks.
            with contextlib.suppress(OSError):
                (self._own / f"step-{step:010d}.npz").unlink(missing_ok=True)

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
            values: dict[int, float | None] = {}
            for step, file in _files(self._own).items():
                try:
                    values[step] = _reading(file, _read_meta)["value"]
                except FileNotFoundError:
                    continue
                except _DAMAGE:
                    values[step] = None
            for file in list(self._own.iterdir()):
                left = _UNFINISHED.fullmatch(file.name)
                # A newer attempt may be writing its own.
                if left and (left[2] is None or int(left[1]) <= self._attempt):
                    file.unlink(missing_ok=True)
            self._values = values
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
    try:
        files = _trying(lambda: list(folder.iterdir()))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(folder, error) from error
    return {int(match[1]): file for file in files if (match := _NAME.fullmatch(file.name))}


def _is_folder(path: Path) -> bool:
    """Whether there is a folder. Unlike ``Path.is_dir``, an error is not an answer."""
    try:
        _trying(lambda: list(path.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from error
    return True


def _unreadable(path: Path, error: OSError) -> StudiousError:
    return StudiousError(
        f"{path}: cannot be read ({error.strerror or error}), and is not known to be damaged. "
        "Check the checkpoint volume and its permissions; another attempt restores it"
    )


def _trying(do: Callable[[], _T]) -> _T:
    """Do it again when it fails: a network file system forgets handles."""
    for _ in range(_TRIES - 1):
        try:
            return do()
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError:
            time.sleep(_PAUSE)
    return do()


class _InputError(Exception):
    """An I/O error, which parsers do not take for one of theirs."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class _Input(io.RawIOBase):
    """A file whose I/O errors are told from what parsers raise on damaged contents."""

    def __init__(self, path: Path) -> None:
        self._file: Any = path.open("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        try:
            return int(self._file.seek(offset, whence))
        except OSError as error:
            # Damaged contents name places before the beginning.
            if error.errno == errno.EINVAL:
                raise ValueError(str(error)) from error
            raise _InputError(error) from error

    def readinto(self, buffer: Any, /) -> int | None:
        try:
            return cast("int | None", self._file.readinto(buffer))
        except OSError as error:
            raise _InputError(error) from error

    def close(self) -> None:
        self._file.close()
        super().close()


def _reading(file: Path, read: Callable[[IO[bytes]], _T]) -> _T:
    """Read a file; what is raised of parsing it is damage, and an I/O error is not."""

    def once() -> _T:
        try:
            with io.BufferedReader(_Input(file)) as stream:
                return read(cast("IO[bytes]", stream))
        except _InputError as error:
            raise error.error from error

    try:
        return _trying(once)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(file, error) from error


@contextlib.contextmanager
def _writing(file: Path, unfinished_name: str, meta: dict[str, Any], tree: Tree) -> Iterator[None]:
    """Write the file under another name; it gets its own when the block is left."""
    unfinished = file.with_name(unfinished_name)
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
        # Makes the rename itself durable.
        os.fsync(directory)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(directory)


def _read_meta(file: IO[bytes]) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        return _meta(archive)


def _read(file: IO[bytes]) -> tuple[dict[str, Any], Tree]:
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
