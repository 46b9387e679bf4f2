"""Read an MLflow experiment, and report a study to one."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from studious._errors import StudiousError
from studious.bridges._records import Record
from studious.bridges._table import ForeignTrial, missing, refuse_missing_database, require_metrics

_MOST_METRICS = 1000
"""Of one call of log_batch."""

_OBJECTIVE = "studious.objective"
"""The metric that holds the objective as the study selects it, the best of a curve say."""

_STATUS = {"failed": "FAILED", "stopped": "KILLED"}
"""Of MLflow, by the outcome; every other ended trial is FINISHED."""


def _client(uri: str) -> Any:
    # A server that does not answer is asked for minutes otherwise.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise missing("mlflow", "mlflow", error) from error
    return MlflowClient(tracking_uri=uri)


def trials(uri: str, experiment: str, names: Mapping[str, str]) -> list[ForeignTrial]:
    """Read the runs of an experiment, with their metrics' histories as curves.

    Args:
      uri: of the tracking server or database.
      experiment: its name.
      names: of metrics, by what MLflow calls them; others keep their names.

    """
    refuse_missing_database(uri)
    client = _client(uri)
    chosen = client.get_experiment_by_name(experiment)
    if chosen is None:
        known = ", ".join(sorted(one.name for one in client.search_experiments(max_results=20)))
        raise StudiousError(f"{uri}: has no experiment {experiment!r}; it has {known or 'none'}")
    runs = list(_runs(client, chosen.experiment_id))
    called = Counter(run.info.run_name for run in runs)
    found = [
        ForeignTrial(
            name=run.info.run_name if called[run.info.run_name] == 1 else run.info.run_id,
            # What this module reports to MLflow is read as it was.
            state=run.data.tags.get("studious.outcome", run.info.status),
            round=run.data.tags.get("studious.round", ""),
            reason=run.data.tags.get("studious.reason", ""),
            parameters=run.data.params,
            curves={
                names.get(key, key): _curve(client, run.info.run_id, key)
                for key in run.data.metrics
                if key != _OBJECTIVE
            },
        )
        for run in runs
        # A parent run has neither.
        if run.data.params or run.data.metrics
    ]
    require_metrics(uri, found, names)
    return found


def _curve(client: Any, run: str, metric: str) -> list[tuple[int, float]]:
    """Read a metric's history; of several values at a step the last one counts."""
    history = client.get_metric_history(run, metric)
    return sorted({point.step: point.value for point in history}.items())


def _runs(client: Any, experiment: str, filter_: str = "") -> Iterator[Any]:
    token = None
    while True:
        page = client.search_runs(
            [experiment], filter_, order_by=["attributes.start_time"], page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


class MlflowReporter:
    """A study as a parent run, its trials as child runs; can be reported again at any time."""

    def __init__(self, uri: str, experiment: str, study: str) -> None:
        self._client = _client(uri)
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = (
            found.experiment_id if found else self._client.create_experiment(experiment)
        )
        self._study = study
        runs = _runs(self._client, self._experiment, f"tags.`studious.study` = '{study}'")
        known = {run.data.tags.get("studious.trial", ""): run for run in runs}
        parent = known.pop("", None)
        self._parent = parent.info.run_id if parent else self._create(study, {})
        self._children = {name: run.info.run_id for name, run in known.items()}
        self._ended = {name for name, run in known.items() if run.info.status != "RUNNING"}
        self._logged: dict[tuple[str, str], int] = {}

    def _create(self, name: str, tags: Mapping[str, str]) -> str:
        tags = {"studious.study": self._study, "mlflow.runName": name, **tags}
        run = self._client.create_run(self._experiment, run_name=name, tags=tags)
        identity: str = run.info.run_id
        return identity

    def report(self, record: Record) -> None:
        """Report what is new of a trial."""
        if record.name in self._ended:
            return
        from mlflow.entities import Param

        run = self._children.get(record.name)
        if run is None:
            tags = {"mlflow.parentRunId": self._parent, "studious.trial": record.name}
            run = self._create(record.name, {**tags, "studious.round": record.round})
            self._children[record.name] = run
            parameters = [Param(name, str(v)) for name, v in record.hyperparameters.items()]
            self._client.log_batch(run, params=parameters)
        self._log_curves(run, record)
        if record.outcome == "pending":
            return
        self._client.set_tag(run, "studious.outcome", record.outcome)
        if record.reason:
            self._client.set_tag(run, "studious.reason", record.reason)
        if record.objective is not None:
            step = record.step or 0
            self._client.log_metric(run, _OBJECTIVE, record.objective, step=step)
        self._client.set_terminated(run, _STATUS.get(record.outcome, "FINISHED"))
        self._ended.add(record.name)

    def _log_curves(self, run: str, record: Record) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        new = []
        for metric, points in record.curves.items():
            key = (record.name, metric)
            if key not in self._logged:
                self._logged[key] = len(self._client.get_metric_history(run, metric))
            new += [Metric(metric, value, now, step) for step, value in points[self._logged[key] :]]
            self._logged[key] = max(self._logged[key], len(points))
        for first in range(0, len(new), _MOST_METRICS):
            self._client.log_batch(run, metrics=new[first : first + _MOST_METRICS])

    def close(self, *, is_done: bool) -> None:
        """End the parent run if the study is done."""
        if is_done:
            self._client.set_terminated(self._parent, "FINISHED")
