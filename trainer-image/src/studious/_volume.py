"""Reading from a checkpoint volume: an I/O error is tried again, and is never taken for damage."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from studious._errors import StudiousError

_TRIES = 3
_PAUSE = 0.5
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)
"""How file systems refuse to sync a directory, which need not."""

_T = TypeVar("_T")


def is_folder(path: Path) -> bool:
    """Whether there is a folder. Unlike ``Path.is_dir``, an error is not an answer."""
    try:
        trying(lambda: list(path.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from error
    return True


def unreadable(path: Path, error: OSError) -> StudiousError:
    """Make the error for what cannot be read."""
    return StudiousError(
        f"{path}: cannot be read ({error.strerror or error}), and is not known to be damaged. "
        "Check the checkpoint volume and its permissions; another attempt restores it"
    )


def trying(do: Callable[[], _T]) -> _T:
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


def reading(file: Path, read: Callable[[IO[bytes]], _T]) -> _T:
    """Read a file; what is raised of parsing it is damage, and an I/O error is not."""

    def once() -> _T:
        try:
            with io.BufferedReader(_Input(file)) as stream:
                return read(cast("IO[bytes]", stream))
        except _InputError as error:
            raise error.error from error

    try:
        return trying(once)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(file, error) from error


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where its file system can."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        os.close(directory)
