"""Report a study as TensorBoard's scalars and HParams: a folder of event files for each trial."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from studious._errors import StudiousError
from studious.bridges._records import Record
from studious.bridges._table import missing


class TensorBoardReporter:
    """Writes event files with tensorboardX."""

    def __init__(self, folder: str, metric: str) -> None:
        try:
            from tensorboardX import SummaryWriter, summary
        except ImportError as error:
            raise missing("tensorboard", "tensorboardX", error) from error
        self._writer_of, self._hparams = SummaryWriter, summary.hparams
        self._folder = Path(folder)
        if self._folder.is_dir() and any(self._folder.iterdir()):
            raise StudiousError(
                f"{folder}: is not empty, and event files are only appended to. Name another folder"
            )
        self._metric = metric
        self._writers: dict[str, Any] = {}
        self._logged: dict[tuple[str, str], int] = {}
        self._ended: set[str] = set()

    def report(self, record: Record) -> None:
        """Write what is new of a trial."""
        if record.name in self._ended:
            return
        if record.name not in self._writers:
            self._writers[record.name] = self._writer_of(str(self._folder / record.name))
        writer = self._writers[record.name]
        for metric, points in record.curves.items():
            key = (record.name, metric)
            for step, value in points[self._logged.get(key, 0) :]:
                writer.add_scalar(metric, value, step)
            self._logged[key] = max(self._logged.get(key, 0), len(points))
        if record.outcome == "pending":
            writer.flush()
            return
        # Metrics of the table of HParams are the scalars with these tags.
        tags = {self._metric: 0.0 if record.objective is None else record.objective}
        for part in self._hparams(dict(record.hyperparameters), tags):
            writer.file_writer.add_summary(part)
        if self._metric not in record.curves and record.objective is not None:
            writer.add_scalar(self._metric, record.objective, record.step or 0)
        if record.outcome == "infeasible":
            # As studious import reads it: a result, and not a missing one.
            writer.add_scalar(self._metric, math.nan, record.step or 0)
        writer.close()
        self._ended.add(record.name)

    def close(self, *, is_done: bool) -> None:
        """Close the files of trials that still run."""
        del is_done
        for name, writer in self._writers.items():
            if name not in self._ended:
                writer.close()
