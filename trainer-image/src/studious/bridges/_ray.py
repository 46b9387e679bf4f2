"""Read the trials of a Ray Tune experiment from its folder, without Ray.

Of the folder are read ``experiment_state-*.json`` (the trials and their states), and each trial's
``params.json`` and ``result.json``. Files that Ray 2.60.0 wrote are among the tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studious._errors import StudiousError
from studious.bridges._table import ForeignTrial, require_metrics

_STATES = "experiment_state-*.json"
# What Ray adds to every result, beside the metrics that a trainer reports.
_BOOKKEEPING = {
    "date",
    "done",
    "episodes_total",
    "hostname",
    "iterations_since_restore",
    "node_ip",
    "pid",
    "time_since_restore",
    "time_this_iter_s",
    "time_total_s",
    "timestamp",
    "timesteps_since_restore",
    "timesteps_total",
    "training_iteration",
    "trial_id",
}


def trials(
    folder: str, names: Mapping[str, str], step: str = "training_iteration"
) -> list[ForeignTrial]:
    """Read every trial of an experiment; its config and its results are the trial's.

    Args:
      folder: the experiment's, which holds ``experiment_state-*.json``.
      names: of metrics, by what they are called there; others keep their names.
      step: the result that holds the training step.

    Raises:
      StudiousError: for a folder of another kind, or a file that is damaged.

    """
    root = Path(folder)
    states = sorted(root.glob(_STATES))
    if not states:
        below = sorted({str(file.parent) for file in root.glob(f"*/{_STATES}")})
        fix = f"Name one of {', '.join(below)}" if below else "Name an experiment's folder"
        raise StudiousError(
            f"{folder}: is not a folder of a Ray Tune experiment; expected {_STATES}. {fix}"
        )
    # Their names hold when they were begun.
    newest = states[-1]
    found = [_trial(root, trial, names, step) for trial in _listed(newest)]
    require_metrics(folder, found, names)
    return found


def _listed(state: Path) -> list[dict[str, Any]]:
    """Read the trials of a state, each with its ``trial_id``, ``status``, ``config`` and folder."""
    try:
        entries = json.loads(state.read_text(encoding="utf-8"))["trial_data"]
        found = [json.loads(static) for static, _ in entries]
        for trial in found:
            trial["trial_id"], trial["status"], trial["config"], trial["relative_logdir"]
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise StudiousError(
            f"{state}: cannot be read ({error!r}); expected the state that Ray 2.60 writes. "
            "Export the results as CSV instead: results.get_dataframe().to_csv(…)"
        ) from error


def _trial(
    root: Path,
    trial: Mapping[str, Any],
    names: Mapping[str, str],
    step: str,
) -> ForeignTrial:
    # A trial that has not begun has no folder.
    folder = root / (trial["relative_logdir"] or ".")
    parameters = trial["config"]
    if folder != root and (file := folder / "params.json").exists():
        try:
            parameters = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StudiousError(f"{file}: cannot be read as JSON: {error}") from error
    curves: dict[str, dict[int, float]] = {}
    iteration = 0
    if trial["status"] == "TERMINATED" and not (
        folder != root and (folder / "result.json").exists()
    ):
        print(f"{trial['trial_id']}: ended well, and has no result.json", file=sys.stderr)
    if folder != root and (file := folder / "result.json").exists():
        for line, result in _results(file):
            where = f"{file}:{line}: {step}"
            if step not in result:
                raise StudiousError(f"{where}: is missing. Name the step's result with --step")
            at = result[step]
            if isinstance(at, bool) or not isinstance(at, int):
                raise StudiousError(
                    f"{where}: expected a whole number, got {at!r}. Name another result with --step"
                )
            before, iteration = iteration, int(result.get("training_iteration", iteration + 1))
            if iteration <= before:  # tried again: what was later there is gone
                for points in curves.values():
                    for later in [known for known in points if known >= at]:
                        del points[later]
            for key, number in _metrics(result, step):
                curves.setdefault(names.get(key, key), {})[at] = number
    return ForeignTrial(
        name=str(trial["trial_id"]),
        state=str(trial["status"]),
        reason=_reason(folder) if trial["status"] == "ERROR" else "",
        parameters=dict(_flat(parameters, ".")),
        curves={metric: sorted(points.items()) for metric, points in curves.items()},
    )


def _reason(folder: Path) -> str:
    """Read the last line of a trial's error, such as ``ValueError: what is wrong``."""
    file = folder / "error.txt"
    lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _results(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the results with their lines; half a last one, of a trial that was killed, is not."""
    lines = file.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            result = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                print(f"{file}:{number}: half a line at the end was left out", file=sys.stderr)
                return
            raise StudiousError(f"{file}:{number}: cannot be read as JSON: {error}") from error
        if not isinstance(result, dict):
            raise StudiousError(f"{file}:{number}: expected an object, got {line[:40]}")
        yield number, result


def _metrics(result: Mapping[str, Any], step: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a result that its trainer reported."""
    for key, value in _flat(result, "/"):
        if key in _BOOKKEEPING or key == step or key.startswith("config/"):
            continue
        # Ray writes a NaN of numpy's float32 as the text "null".
        number = float("nan") if value == "null" else value
        if isinstance(number, int | float) and not isinstance(number, bool):
            yield key, number


def _flat(values: Mapping[str, Any], separator: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by their joined keys."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{key}{separator}{below}", one) for below, one in _flat(value, separator))
        else:
            yield key, value
