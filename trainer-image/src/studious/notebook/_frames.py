"""Trials and measurements as columns, and columns as frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from studious._errors import StudiousError
from studious.notebook._source import Json

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Frame = Literal["pandas", "polars"]
Columns = dict[str, list[Any]]

OF_A_TRIAL = ("name", "round", "outcome", "reason", "objective", "step")
"""What every trial has; a hyperparameter of such a name is ``hyperparameters.NAME``."""


def trial_columns(spec: Json, records: Iterable[Json]) -> Columns:
    """Make the columns of ``studious export --format csv``."""
    columns: Columns = {name: [] for name in OF_A_TRIAL}
    names: dict[str, str] = {}
    for hyperparameter in spec["hyperparameters"]:
        name = hyperparameter["name"]
        taken = name in OF_A_TRIAL or name.startswith(("metrics.", "hyperparameters."))
        names[name] = f"hyperparameters.{name}" if taken else name
    columns.update({column: [] for column in names.values()})
    metrics = sorted({constraint["metric"] for constraint in spec.get("constraints", ())})
    columns.update({f"metrics.{metric}": [] for metric in metrics})
    for record in records:
        columns["name"].append(record.get("name") or None)
        columns["round"].append(record.get("round") or None)
        columns["outcome"].append(_outcome(record))
        columns["reason"].append(record.get("reason") or None)
        columns["objective"].append(record.get("objective"))
        columns["step"].append(record.get("step"))
        for name, column in names.items():
            columns[column].append(record["hyperparameters"].get(name))
        for metric in metrics:
            columns[f"metrics.{metric}"].append(_metric(record, metric))
    return columns


def _outcome(record: Json) -> str:
    for outcome in ("infeasible", "failed", "stopped"):
        if record.get(outcome):
            return outcome
    return "pending" if record.get("objective") is None else "succeeded"


def _metric(record: Json, metric: str) -> float | None:
    """Find a metric at the step of the objective, or its latest value before that."""
    known: float | None = record.get("metrics", {}).get(metric)
    if known is None and record.get("objective") is not None:
        step = record.get("step")
        for at, value in record.get("curves", {}).get(metric, ()):
            if step is None or at <= step:
                known = value
    return known


def measurement_columns(records: Iterable[Json], metric: str | None) -> Columns:
    """Make a row of every value that was measured."""
    columns: Columns = {name: [] for name in ("trial", "round", "host", "metric", "step", "value")}
    for record in records:
        hosts = {0: record.get("curves", {})}
        hosts.update({int(host): curves for host, curves in record.get("hosts", {}).items()})
        for host, curves in sorted(hosts.items()):
            for name, curve in curves.items():
                if metric is not None and name != metric:
                    continue
                many = len(curve)
                columns["trial"] += [record.get("name") or None] * many
                columns["round"] += [record.get("round") or None] * many
                columns["host"] += [host] * many
                columns["metric"] += [name] * many
                columns["step"] += [step for step, _ in curve]
                columns["value"] += [value for _, value in curve]
    return columns


def pandas_frame(columns: Columns) -> pd.DataFrame:
    """Make a pandas frame; whole numbers that may be missing stay whole."""
    try:
        import pandas
    except ImportError as error:
        raise StudiousError(
            'frames need pandas: pip install pandas, or ask for "polars"'
        ) from error
    frame = pandas.DataFrame(columns)
    for name, values in columns.items():
        there = [value for value in values if value is not None]
        is_whole = all(isinstance(v, int) and not isinstance(v, bool) for v in there)
        if there and is_whole and len(there) < len(values):
            frame[name] = pandas.array(values, dtype="Int64")
        elif not there and name in ("objective", "value"):
            frame[name] = frame[name].astype("float64")
    return frame


def polars_frame(columns: Columns) -> pl.DataFrame:
    """Make a Polars frame."""
    try:
        import polars
    except ImportError as error:
        raise StudiousError("Polars frames need polars: pip install polars") from error
    # A hyperparameter of whole and other numbers holds both.
    return polars.DataFrame(columns, strict=False, infer_schema_length=None)
