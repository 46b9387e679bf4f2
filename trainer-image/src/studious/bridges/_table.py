"""Trials of another tool as the tables that ``studious import`` reads.

What a state of another tool means, and whether a point is one of the study, is decided there.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studious._errors import StudiousError
from studious.notebook._command import find_command


@dataclass(frozen=True)
class ForeignTrial:
    """A trial as another tool has it."""

    name: str
    state: str
    parameters: Mapping[str, Any]
    objective: float | None = None
    """None where it is to be taken from the curve, or there is none."""
    round: str = ""
    reason: str = ""
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)


def missing(extra: str, library: str, error: ImportError) -> StudiousError:
    """Make the error for a tool whose library is not installed."""
    return StudiousError(
        f"{extra}: {library} cannot be imported ({error}). Install the extra `{extra}` of "
        f"studious-tuning, as in a checkout: pip install './trainer-image[{extra}]'"
    )


def refuse_missing_database(url: str) -> None:
    """Raise an error for a file of SQLite that does not exist: tools write an empty one there."""
    file = url.removeprefix("sqlite:///").partition("?")[0]
    if file not in (url, "", ":memory:") and not Path(file).exists():
        raise StudiousError(f"{url}: no such file {file}")


def write_tables(trials: Sequence[ForeignTrial], folder: Path) -> list[str]:
    """Write the tables; the options with which ``studious import`` reads them."""
    names = sorted({name for trial in trials for name in trial.parameters})
    has_objective = any(trial.objective is not None for trial in trials)
    columns = ["name", "state", "round", "reason", *(["objective"] if has_objective else [])]
    table, curves = folder / "trials.csv", folder / "curves.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow([*columns, *(f"hyperparameters.{name}" for name in names)])
        for trial in trials:
            row = [trial.name, trial.state, trial.round, trial.reason]
            if has_objective:
                row.append("" if trial.objective is None else repr(trial.objective))
            rows.writerow([*row, *(_cell(trial.parameters.get(name)) for name in names)])
    options = [str(table)]
    if any(trial.curves for trial in trials):
        with curves.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["trial", "metric", "step", "value"])
            for trial in trials:
                for metric, points in trial.curves.items():
                    rows.writerows([trial.name, metric, step, repr(v)] for step, v in points)
        options += ["--measurements", str(curves)]
    return options


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
    return str(value)


def _command() -> str:
    command = find_command()
    if command is None:
        raise StudiousError(
            "studious: command not found. It checks the trials against the study: install it, or "
            "give its file in STUDIOUS_BINARY"
        )
    return command


def direction(study: str) -> str | None:
    """Read the direction of a study file's objective; nothing where the file is refused."""
    asked = [_command(), "plan", study, "--format", "json"]
    printed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    try:
        objective = json.loads(printed).get("objective", {})
    except json.JSONDecodeError:
        return None
    found = objective.get("direction")
    return found if isinstance(found, str) else None


def import_trials(
    trials: Sequence[ForeignTrial], study: str, out: str, options: Sequence[str] = ()
) -> int:
    """Hold trials against a study and write them, by ``studious import``; its exit status."""
    command = _command()
    if not trials:
        raise StudiousError("there are no trials to read; nothing was written")
    with tempfile.TemporaryDirectory() as folder:
        tables = write_tables(trials, Path(folder))
        arguments = [*tables, "--format", "csv", "--study", study, "--out", out, *options]
        return subprocess.run(
            [command, "import", *arguments], stderr=sys.stderr, check=False
        ).returncode
