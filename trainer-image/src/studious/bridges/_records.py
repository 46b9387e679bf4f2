"""A study's trials as the ``studious`` command exports them, once or followed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from studious.notebook._command import CommandSource

OUTCOMES = ("pending", "infeasible", "failed", "stopped")


@dataclass(frozen=True)
class Record:
    """A trial as ``studious export`` writes it."""

    name: str
    round: str
    hyperparameters: dict[str, Any]
    outcome: str
    """``succeeded``, or one of :data:`OUTCOMES`."""
    objective: float | None
    step: int | None
    reason: str
    curves: dict[str, list[tuple[int, float]]]

    @classmethod
    def of(cls, line: dict[str, Any]) -> Record:
        """Read a line of the export."""
        return cls(
            name=line["name"],
            round=line.get("round") or "",
            hyperparameters=line["hyperparameters"],
            outcome=next((name for name in OUTCOMES if line.get(name)), "succeeded"),
            objective=line.get("objective"),
            step=line.get("step"),
            reason=line.get("reason") or "",
            curves={
                metric: [(int(step), float(value)) for step, value in points]
                for metric, points in (line.get("curves") or {}).items()
            },
        )


class Reporter(Protocol):
    """What shows a study elsewhere."""

    def report(self, record: Record) -> None:
        """Report what is new of a trial."""

    def close(self, *, is_done: bool) -> None:
        """Write everything; ``is_done`` if every trial of the study has ended."""


def source(target: Sequence[str]) -> CommandSource:
    """Open what the command takes: the folder of a run, or study/NAME of a cluster."""
    return CommandSource(target, None)


def report(study: CommandSource, reporter: Reporter, every: float | None) -> int:
    """Report a study once, or every so many seconds until it is done; how many trials."""
    is_done = False
    try:
        while True:
            # Before the trials are read, so that none that ended since is missed.
            study.refresh()
            counts = study.conclusions()["counts"]
            ended = sum(counts[name] for name in ("succeeded", "infeasible", "failed", "stopped"))
            is_done = counts["pending"] == 0 and ended >= counts["planned"]
            seen = 0
            for line in study.records():
                reporter.report(Record.of(line))
                seen += 1
            if every is None or is_done:
                return seen
            time.sleep(every)
    finally:
        reporter.close(is_done=is_done)
