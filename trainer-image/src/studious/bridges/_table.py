"""Trials of another tool as the tables that ``studious import`` reads.

What a state of another tool means, and whether a point is one of the study, is decided there.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def require_metrics(source: str, trials: Sequence[ForeignTrial], names: Mapping[str, str]) -> None:
    """Raise an error where trials reported metrics, and none of them one that is wanted."""
    reported = {metric for trial in trials for metric in trial.curves}
    missing = sorted(own for own in names.values() if own not in reported)
    if reported and missing:
        raise StudiousError(
            f"{source}: no trial reported {', '.join(missing)}; the metrics are "
            f"{', '.join(sorted(reported))}. Name one of them with --objective"
        )


def refuse_missing_database(url: str) -> None:
    """Raise an error for a file of SQLite that does not exist: tools write an empty one there."""
    file = url.removeprefix("sqlite:///").partition("?")[0]
    if file not in (url, "", ":memory:") and not Path(file).exists():
        raise StudiousError(f"{url}: no such file {file}")


@dataclass(frozen=True)
class _Table:
    """A table that was written, and whose trial each of its lines is."""

    path: Path
    trials: list[str]


def _options(tables: Sequence[_Table]) -> list[Path | str]:
    """Make the options with which ``studious import`` reads the tables."""
    table, *curves = tables
    return [table.path, *(option for one in curves for option in ("--measurements", one.path))]


def _write_tables(trials: Sequence[ForeignTrial], folder: Path) -> list[_Table]:
    names = sorted({name for trial in trials for name in trial.parameters})
    has_objective = any(trial.objective is not None for trial in trials)
    columns = ["name", "state", "round", "reason", *(["objective"] if has_objective else [])]

    def points() -> Iterator[list[str]]:
        for trial in trials:
            row = [trial.name, trial.state, trial.round, trial.reason]
            if has_objective:
                row.append("" if trial.objective is None else repr(trial.objective))
            yield [*row, *(_cell(trial.parameters.get(name)) for name in names)]

    heads = [*columns, *(f"hyperparameters.{name}" for name in names)]
    tables = [_write(folder / "trials.csv", heads, points())]
    if any(trial.curves for trial in trials):
        measured = (
            [trial.name, metric, str(step), repr(value)]
            for trial in trials
            for metric, curve in trial.curves.items()
            for step, value in curve
        )
        tables.append(_write(folder / "curves.csv", ["trial", "metric", "step", "value"], measured))
    return tables


def _write(path: Path, heads: list[str], rows: Iterable[list[str]]) -> _Table:
    """Write rows whose first cell is their trial."""
    trials: list[str] = []
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(heads)
        for row in rows:
            table.writerow(row)
            trials += [row[0]] * (1 + sum(cell.count("\n") for cell in row))
    return _Table(path, trials)


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


def objective(study: str) -> tuple[str, str]:
    """Read the metric and the direction of a study file's objective."""
    asked = [_command(), "plan", study, "--format", "json"]
    plan = subprocess.run(asked, capture_output=True, text=True, check=False)
    if plan.returncode != 0:
        sys.stderr.write(plan.stderr)
        raise StudiousError(f"--study: {study} is refused. Correct what is said above")
    planned = json.loads(plan.stdout)["objective"]
    return planned["metric"], planned["direction"]


def import_trials(
    trials: Sequence[ForeignTrial], study: str, out: str, options: Sequence[str] = ()
) -> int:
    """Hold trials against a study and write them, by ``studious import``; its exit status."""
    command = _command()
    if not trials:
        raise StudiousError("there are no trials to read; nothing was written")
    with tempfile.TemporaryDirectory() as folder:
        tables = _write_tables(trials, Path(folder))
        arguments = [*_options(tables), "--format", "csv", "--study", study, "--out", out, *options]
        with subprocess.Popen([command, "import", *arguments], stderr=subprocess.PIPE) as process:
            for line in process.stderr or ():
                sys.stderr.write(_by_trials(line.decode(errors="replace"), tables))
        return process.returncode


def _by_trials(line: str, tables: Sequence[_Table]) -> str:
    """Name trials, which the user has seen, in place of lines of tables, which are temporary."""
    for table in tables:
        place = re.match(rf"{re.escape(str(table.path))}(?::(\d+)(?::\d+)?)?: ", line)
        if place is not None:
            row = int(place[1] or 1) - 2
            trial = f"{table.trials[row]}: " if 0 <= row < len(table.trials) else ""
            line = trial + line[place.end() :]
        line = line.replace(str(table.path), table.path.name)
    return line.replace("--measurements: ", "curves: ").replace("=hyperparameters.", "=")
