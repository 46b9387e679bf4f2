"""Checkpoints that the trainer writes in a format of its own: only named and hashed here.

Beside such a file or folder lies a small record, which every later attempt finds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from studious._errors import StudiousError
from studious._volume import reading, sync_folder, trying, unreadable

_RECORD = re.compile(r"\.reported-(\d{10})\.json")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Reported:
    """A checkpoint that was reported, and is still what it was then."""

    step: int
    path: Path
    sha256: str


def inside(folder: Path, path: str | os.PathLike[str]) -> str:
    """Return the path relative to the folder; raises StudiousError for one that is not in it."""
    given = Path(path).resolve()
    try:
        relative = given.relative_to(folder.resolve())
    except ValueError:
        relative = Path()
    if relative == Path():
        raise StudiousError(
            f"checkpoint_saved: path: {given} is not in the folder of this trial's checkpoints, "
            f"and would not outlive this attempt. Save it in {folder} (trial.checkpoints.folder)"
        )
    if not given.exists():
        raise StudiousError(
            f"checkpoint_saved: path: {given} does not exist. Call checkpoint_saved after the "
            "checkpoint was written"
        )
    return relative.as_posix()


def digest(path: Path) -> str:
    """SHA-256 (hex) of a file, or of a folder's files with their names."""
    hashed = hashlib.sha256()
    if not path.is_dir():
        reading(path, lambda stream: _feed(hashed, stream))
        return hashed.hexdigest()
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        name = json.dumps([file.relative_to(path).as_posix(), file.stat().st_size])
        hashed.update(name.encode() + b"\n")
        reading(file, lambda stream: _feed(hashed, stream))
    return hashed.hexdigest()


def _feed(hashed: Any, stream: IO[bytes]) -> None:
    while chunk := stream.read(_CHUNK):
        hashed.update(chunk)


@contextlib.contextmanager
def recording(folder: Path, step: int, relative: str, sha256: str) -> Iterator[None]:
    """Write the record; it can be found when the block is left."""
    record = folder / f".reported-{step:010d}.json"
    unfinished = folder / f"{record.name}.{secrets.token_hex(8)}"
    try:
        with unfinished.open("w", encoding="utf-8") as stream:
            json.dump({"step": step, "path": relative, "sha256": sha256}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        yield
        unfinished.replace(record)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    for step_, old in _records(folder):
        # The trainer removes its checkpoints itself.
        if step_ != step and not _is_there(folder, old):
            old.unlink(missing_ok=True)


def _is_there(folder: Path, record: Path) -> bool:
    try:
        fields = json.loads(record.read_text(encoding="utf-8"))
        return (folder / str(fields["path"])).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return True


def latest(folder: Path, at_most: int | None) -> Reported | None:
    """Find the latest reported checkpoint that is whole; one that is damaged is named."""
    for step, record in sorted(_records(folder), reverse=True):
        if at_most is not None and step > at_most:
            continue
        try:
            fields = reading(record, json.load)
            path = folder / fields["path"]
            if not path.exists():
                continue  # the trainer has removed it
            if fields["step"] == step and digest(path) == fields["sha256"]:
                return Reported(step, path, fields["sha256"])
            reason = "its contents are not those that were reported"
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError) as error:
            path, reason = record, str(error)
        print(
            f"studious: {path} is damaged and left out ({reason}); trying the checkpoint before it",
            file=sys.stderr,
        )
    return None


def forget_after(folder: Path, step: int) -> None:
    """Remove the records of later steps, through which training goes again."""
    for later, record in _records(folder):
        if later > step:
            record.unlink(missing_ok=True)


def _records(folder: Path) -> list[tuple[int, Path]]:
    try:
        files = trying(lambda: list(folder.iterdir()))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error
    return [(int(match[1]), file) for file in files if (match := _RECORD.fullmatch(file.name))]
