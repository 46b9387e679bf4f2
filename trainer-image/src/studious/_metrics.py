"""Append measurements and events to metrics.jsonl, one whole line at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsFloat, SupportsIndex

from studious._errors import StudiousError
from studious._termination import end_on_sigterm

MAX_LINE_BYTES = 64 * 1024
"""The contract's limit of one line, newline included."""

_RESERVED = ("step", "event")


class MetricLog:
    """Writer of one metrics.jsonl.

    Every line is one ``write`` on an unbuffered file opened for appending, so
    a trainer that is killed loses nothing it has logged and leaves at most
    half a line. A half line left by an earlier run is ended first, so that it
    spoils no other.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._descriptor: int | None = None

    def measure(
        self, step: SupportsIndex, metrics: Mapping[str, SupportsFloat | SupportsIndex]
    ) -> None:
        """Append a measurement; NaN and infinities are results and are written as such."""
        line: dict[str, Any] = {"step": checked_step(step, "log")}
        for name, value in metrics.items():
            if name in _RESERVED or not name:
                raise StudiousError(
                    f"{self.file}: a metric cannot be called `{name}`; rename it "
                    f"({', '.join(_RESERVED)} belong to the line itself)"
                )
            try:
                number = float("" if isinstance(value, str) else value)
            except (TypeError, ValueError):
                raise StudiousError(
                    f"{self.file}: metric `{name}` at step {step} must be one number; "
                    f"found {type(value).__name__} {value!r:.80}. "
                    "Reduce arrays to a scalar, leave text out"
                ) from None
            line[name] = number
        if len(line) == 1:
            raise StudiousError(f"{self.file}: log(step={step}) needs at least one metric")
        self._append(line)

    def event(self, event: str, fields: Mapping[str, Any]) -> None:
        """Append an event; fields that are None are left out."""
        self._append({"event": event, **{k: v for k, v in fields.items() if v is not None}})

    def _append(self, line: Mapping[str, Any]) -> None:
        # allow_nan: the contract reads NaN, Infinity and -Infinity as Python writes them.
        data = json.dumps(line, allow_nan=True, separators=(",", ":")).encode() + b"\n"
        if len(data) > MAX_LINE_BYTES:
            raise StudiousError(
                f"{self.file}: a line of {len(data)} bytes is over the limit of "
                f"{MAX_LINE_BYTES}; log fewer metrics at once"
            )
        descriptor = self._open()
        while data:
            data = data[os.write(descriptor, data) :]

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            try:
                descriptor = os.open(self.file, flags, 0o644)
            except OSError as error:
                raise StudiousError(
                    f"{self.file}: cannot be opened for appending ({error.strerror}). "
                    "The trial folder must be writable by the trainer's user"
                ) from error
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                os.write(descriptor, b"\n")
            self._descriptor = descriptor
            # A process that reports is a trainer; one that only reads a trial may be anything.
            end_on_sigterm()
        return self._descriptor

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def checked_step(step: SupportsIndex, call: str) -> int:
    """Return the step as an int of at least 0, or say what is wrong with it."""
    try:
        number = step.__index__()
    except AttributeError:
        number = -1
    if isinstance(step, bool) or number < 0:
        raise StudiousError(
            f"{call}: step must be an integer of at least 0; found {step!r}. "
            "It counts the updates made so far"
        )
    return number
