"""Read the offline runs of Weights & Biases, and report a study as such runs.

The records of an offline run are wandb's protobufs, in the log format of LevelDB that wandb writes
them in; wandb's Python package no longer has a reader of that format.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studious._errors import StudiousError
from studious.bridges._records import Record
from studious.bridges._table import ForeignTrial, missing

_MAGIC = b":W&B\xe1\xbe\x00"
_BLOCK = 32 * 1024
_HEADER = struct.Struct("<IHB")
_FULL, _FIRST, _LAST = 1, 2, 4


def records(data: bytes, name: str) -> Iterator[bytes]:
    """Yield the records of a .wandb file; half a one at the end, of a run that was killed, is not.

    Raises:
      StudiousError: for a file of another kind, or one that is damaged.

    """
    if data[: len(_MAGIC)] != _MAGIC:
        raise StudiousError(f"{name}: is not an offline run of Weights & Biases (version 0)")
    at, parts = len(_MAGIC), b""
    while True:
        left = _BLOCK - at % _BLOCK
        if left < _HEADER.size:
            at += left  # padding
        if at + _HEADER.size > len(data):
            return
        checksum, length, kind = _HEADER.unpack_from(data, at)
        body = data[at + _HEADER.size : at + _HEADER.size + length]
        if len(body) < length:
            return
        if zlib.crc32(body, zlib.crc32(bytes([kind]))) != checksum:
            raise StudiousError(f"{name}: is damaged at byte {at}; copy it again, or leave it out")
        at += _HEADER.size + length
        parts = body if kind in (_FULL, _FIRST) else parts + body
        if kind in (_FULL, _LAST):
            yield parts


def trials(folder: str, names: Mapping[str, str]) -> list[ForeignTrial]:
    """Read every offline run below a folder; its config and its history are the trial's.

    Args:
      folder: such as ``wandb``.
      names: of metrics, by what they are called there; others keep their names.

    """
    try:
        from wandb.proto import wandb_internal_pb2
    except ImportError as error:
        raise missing("wandb", "wandb", error) from error
    files = sorted(Path(folder).rglob("*.wandb"))
    if not files:
        raise StudiousError(f"{folder}: holds no offline runs (files *.wandb). Name another folder")
    found = []
    for file in files:
        parsed = (
            wandb_internal_pb2.Record.FromString(one)
            for one in records(file.read_bytes(), str(file))
        )
        found.append(_trial(parsed, file.stem, names))
    return found


def _trial(parsed: Iterator[Any], name: str, names: Mapping[str, str]) -> ForeignTrial:
    parameters: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    curves: dict[str, dict[int, float]] = defaultdict(dict)
    state = "running"
    for record in parsed:
        match record.WhichOneof("record_type"):
            case "run":
                name = record.run.display_name or name
                parameters |= _items(record.run.config.update)
            case "config":
                parameters |= _items(record.config.update)
            case "summary":
                summary |= _items(record.summary.update)
            case "exit":
                state = "failed" if record.exit.exit_code else "finished"
            case "history":
                row = _items(record.history.item)
                step = row.get("_step", record.history.step.num)
                for key, value in row.items():
                    if isinstance(value, int | float) and not key.startswith("_"):
                        curves[names.get(key, key)][step] = value
    return ForeignTrial(
        name=name,
        # What this module reports is read as it was.
        state=str(summary.get("studious.outcome", state)),
        round=str(summary.get("studious.round", "")),
        reason=str(summary.get("studious.reason", "")),
        parameters={key: value for key, value in parameters.items() if key != "_wandb"},
        curves={metric: sorted(points.items()) for metric, points in curves.items()},
    )


def _items(items: Any) -> dict[str, Any]:
    numbers = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
    read = {}
    for item in items:
        value = json.loads(item.value_json)
        key = item.key or ".".join(item.nested_key)
        read[key] = numbers.get(value, value) if isinstance(value, str) else value
    return read


class WandbReporter:
    """A run of Weights & Biases for each trial that has ended, in the group of its study.

    Runs are offline: nothing is sent before ``wandb sync`` is called.
    """

    def __init__(self, folder: str, project: str, study: str) -> None:
        try:
            import wandb
        except ImportError as error:
            raise missing("wandb", "wandb", error) from error
        self._wandb = wandb
        self._folder = Path(folder)
        if self._folder.is_dir() and any(self._folder.iterdir()):
            raise StudiousError(f"{folder}: is not empty. Name another folder")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._project, self._study = project, study
        self._reported: set[str] = set()

    def report(self, record: Record) -> None:
        """Write a trial that has ended; a run is written as a whole."""
        if record.outcome == "pending" or record.name in self._reported:
            return
        run = self._wandb.init(
            mode="offline",
            dir=str(self._folder),
            project=self._project,
            group=self._study,
            name=record.name,
            config=dict(record.hyperparameters),
            settings=self._wandb.Settings(
                silent=True, console="off", save_code=False, disable_git=True, x_disable_stats=True
            ),
        )
        rows: dict[int, dict[str, float]] = defaultdict(dict)
        for metric, points in record.curves.items():
            for step, value in points:
                rows[step][metric] = value
        for step, row in sorted(rows.items()):
            run.log(row, step=step)
        run.summary.update(
            {
                "studious.outcome": record.outcome,
                "studious.round": record.round,
                "studious.reason": record.reason,
                "studious.objective": record.objective,
            }
        )
        run.finish(exit_code=int(record.outcome in ("failed", "stopped")))
        self._reported.add(record.name)

    def close(self, *, is_done: bool) -> None:
        """Every run was closed when it was written."""
