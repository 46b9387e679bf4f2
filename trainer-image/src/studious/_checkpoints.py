"""Checkpoints: written whole or not at all, by host 0 only, readable by every host.

The folder outlives an attempt, and an attempt that counts as lost may still run:
its node is cut off, say. Each attempt leaves a marker, and one that finds the
marker of a newer one writes and removes nothing any more.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import SupportsFloat, SupportsIndex

from studious import _reported
from studious._archive import DAMAGE, read, read_meta, writing
from studious._errors import StudiousError
from studious._metrics import MetricLog, checked_step
from studious._pytree import Tree, fingerprint
from studious._pytree import subtrees as _subtrees
from studious._volume import is_folder, reading, trying, unreadable

_NAME = re.compile(r"step-(\d{10})\.npz")
_UNFINISHED = re.compile(r"\.step-\d{10}\.npz\.(\d+)(-[0-9a-f]+)?")
"""With the attempt and a random part; earlier versions wrote the process id alone."""
_MARKER = re.compile(r"\.attempt-(\d+)")


@dataclass(frozen=True)
class _Restored:
    step: int
    tree: Tree
    """None of a checkpoint in the trainer's own format, which only the trainer can read."""
    fingerprint: str
    is_own_format: bool = False


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
          tree: nested dicts (keys are strings or integers), lists and tuples of
            arrays of numpy, JAX or torch in any dtype, Python's own numbers,
            strings and bytes, and None. All come back bit for bit and as the
            same kind, torch's tensors on the CPU, but JAX's arrays as numpy's,
            mappings as dicts and tuples of any kind as tuples.
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
        known = number if number is not None and math.isfinite(number) else None
        meta = {
            "step": step,
            # JSON has no NaN; a checkpoint without a usable value is never among the best.
            "value": known,
            "parameters_sha256": print_,
        }
        try:
            self._own.mkdir(parents=True, exist_ok=True)
            self._mark()
            self._refuse_if_replaced()
            values = self._known_values()
            unfinished = f".{file.name}.{self._attempt}-{secrets.token_hex(8)}"
            with writing(file, unfinished, meta, tree):
                self._refuse_if_replaced()
                # Reported before it can be found: there is never a checkpoint to restore whose
                # fingerprint is unknown. One reported and not found is only an older restore.
                self._metrics.event("checkpoint", {"step": step, "parameters_sha256": print_})
        except OSError as error:
            raise StudiousError(
                f"{file}: the checkpoint cannot be written ({error.strerror or error}). "
                "Check the checkpoint volume's free space and its permissions"
            ) from error
        values[step] = known
        self._prune(latest=step)
        return file

    @property
    def folder(self) -> Path:
        """Where this host's checkpoints are written; it outlives an attempt of the trial."""
        return self._own

    def report(self, step: SupportsIndex, path: str | os.PathLike[str]) -> None:
        """Report a checkpoint in a format of one's own; see ``Trial.checkpoint_saved``."""
        step = checked_step(step, "checkpoint_saved")
        if not self._writer:
            return
        relative = _reported.inside(self._own, path)
        try:
            self._mark()
            self._refuse_if_replaced()
            sha256 = _reported.digest(self._own / relative)
            with _reported.recording(self._own, step, relative, sha256):
                self._refuse_if_replaced()
                self._metrics.event("checkpoint", {"step": step, "parameters_sha256": sha256})
        except OSError as error:
            raise StudiousError(
                f"{self._own}: checkpoint_saved: the checkpoint cannot be recorded "
                f"({error.strerror or error}). Check the checkpoint volume's free space and its "
                "permissions"
            ) from error

    def reported(self) -> tuple[int, Path] | None:
        """Find what to restore of one's own format; see ``Trial.checkpoint_to_restore``."""
        folder = self._shared if is_folder(self._shared) else self._own
        if self._writer and is_folder(self._own):
            with contextlib.suppress(OSError):
                self._mark()
                if self._restore_at_most is not None:
                    _reported.forget_after(self._own, self._restore_at_most)
        found = _reported.latest(folder, self._restore_at_most)
        if found is None:
            return None
        self._restored = _Restored(found.step, None, found.sha256, is_own_format=True)
        return found.step, found.path

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
        """Read the latest whole checkpoint, as ``save`` took it; None when there is none.

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
        folder = self._shared if is_folder(self._shared) else self._own
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
                meta, tree = reading(file, read)
                if meta["step"] != step or fingerprint(tree) != meta["parameters_sha256"]:
                    raise ValueError("its contents are not those that were saved")
            except FileNotFoundError:
                # Host 0 has saved a newer one and removed this one since the folder was listed.
                continue
            except DAMAGE as error:
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
        """Return what the init event says about these parameters: fingerprint, restored step."""
        mine = fingerprint(parameters)
        restored = self._restored
        if restored is None:
            return mine, None
        # What was saved is more than the parameters (optimizer state, counters), so the
        # parameters may be any part of it; the event compares the checkpoint as a whole.
        # One in the trainer's own format was compared as a file.
        if (
            restored.is_own_format
            or mine == restored.fingerprint
            or any(fingerprint(part) == mine for part in _subtrees(restored.tree))
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
                    values[step] = reading(file, read_meta)["value"]
                except FileNotFoundError:
                    continue
                except DAMAGE:
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
        files = trying(lambda: list(folder.iterdir()))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unreadable(folder, error) from error
    return {int(match[1]): file for file in files if (match := _NAME.fullmatch(file.name))}
