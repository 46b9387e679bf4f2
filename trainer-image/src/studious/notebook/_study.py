"""A study, wherever it ran."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any, Literal, overload

from studious._errors import StudiousError
from studious.notebook._command import CommandSource, folder
from studious.notebook._conclusions import Checklist, Finding, Findings
from studious.notebook._frames import (
    Columns,
    Frame,
    measurement_columns,
    pandas_frame,
    polars_frame,
    trial_columns,
)
from studious.notebook._http import HttpSource
from studious.notebook._pictures import Plot, Plots
from studious.notebook._source import Json, Source

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Study:
    """A study with its trials, findings and plots.

    ``target`` is a folder made by ``studious run`` (or its name in ``studious-runs``), or
    ``study/NAME`` in the current Kubernetes context; the ``studious`` command reads both. With
    ``url`` it is the name of a study that an operator or ``studious ui`` serves there, read with
    ``token`` (``$STUDIOUS_TOKEN``) and verified by ``ca`` where the system doesn't know who signed
    its certificate.
    """

    def __init__(
        self,
        target: str | os.PathLike[str],
        *,
        url: str | None = None,
        namespace: str | None = None,
        token: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        context: str | None = None,
        binary: str | os.PathLike[str] | None = None,
    ) -> None:
        text = os.fspath(target)
        self._source: Source
        if url is not None:
            _only("a study with url=", context=context)
            self._source = HttpSource(
                text, url, namespace=namespace, token=token, ca=ca, binary=binary
            )
        elif text.startswith("study/"):
            _only("study/NAME", token=token, ca=ca)
            options = (("--namespace", namespace), ("--context", context))
            more = [word for name, value in options if value for word in (name, value)]
            self._source = CommandSource([text, *more], binary)
        else:
            _only("a folder", namespace=namespace, token=token, ca=ca, context=context)
            self._source = CommandSource([str(folder(text))], binary)
        self._records: list[Json] | None = None

    @classmethod
    def of_trials(
        cls,
        study: str | os.PathLike[str],
        trials: str | os.PathLike[str],
        *,
        binary: str | os.PathLike[str] | None = None,
    ) -> Study:
        """Read a study file and trials that ran anywhere.

        ``trials`` holds JSON lines, such as ``studious import`` writes.
        """
        made = cls.__new__(cls)
        target = ["--study", os.fspath(study), "--trials", os.fspath(trials)]
        made._source = CommandSource(target, binary)
        made._records = None
        return made

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._source.study()["name"])

    @property
    def goal(self) -> str:
        """The question."""
        return str(self.spec["goal"])

    @property
    def status(self) -> str:
        """Where it stands, in a sentence."""
        return str(self._source.study()["status"])

    @property
    def spec(self) -> Json:
        """As it was given, defaults filled in."""
        spec: Json = self._source.study()["spec"]
        return spec

    @property
    def checklist(self) -> Checklist:
        """The five questions to ask before its answer is believed."""
        return Checklist.of(self._source.conclusions()["checklist"])

    @property
    def findings(self) -> Findings:
        """What is concluded, the most severe first."""
        return Findings(Finding.of(value) for value in self._source.conclusions()["findings"])

    @property
    def plots(self) -> Plots:
        """Its plots by name, in the order in which they are read."""
        listed = self._source.conclusions()["plots"]
        return Plots([Plot(self._source, p["id"], p["title"], p["subtitle"]) for p in listed])

    @property
    def records(self) -> list[Json]:
        """Trials as ``studious export`` writes them, with curves. Read once: see ``refresh``."""
        if self._records is None:
            self._records = list(self._source.records())
        return self._records

    @overload
    def trials(self, frame: Literal["pandas"] = "pandas") -> pd.DataFrame: ...
    @overload
    def trials(self, frame: Literal["polars"]) -> pl.DataFrame: ...
    def trials(self, frame: Frame = "pandas") -> Any:
        """Make a frame with a row for each trial.

        Columns: ``name``, ``round``, ``outcome``, ``reason``, ``objective``, ``step``, one for each
        hyperparameter, and ``metrics.NAME`` for what constraints bound.
        """
        return _framed(trial_columns(self.spec, self.records), frame)

    @overload
    def measurements(
        self, metric: str | None = None, frame: Literal["pandas"] = "pandas"
    ) -> pd.DataFrame: ...
    @overload
    def measurements(
        self, metric: str | None = None, *, frame: Literal["polars"]
    ) -> pl.DataFrame: ...
    def measurements(self, metric: str | None = None, frame: Frame = "pandas") -> Any:
        """Make a frame with a row for each value that was measured, of one metric or of all.

        Columns: ``trial``, ``round``, ``host``, ``metric``, ``step``, ``value``.
        """
        return _framed(measurement_columns(self.records, metric), frame)

    def refresh(self) -> Study:
        """Forget what was read: what is asked next is as it stands then."""
        self._records = None
        self._source.refresh()
        return self

    def __iter__(self) -> Iterator[Json]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"Study({self.name!r}, {self._source.where}: {self.status})"

    def _repr_html_(self) -> str:
        return (
            f"<h3>{escape(self.goal)}</h3><p>Study <code>{escape(self.name)}</code>. "
            f"{escape(self.status)}</p>{self.checklist._repr_html_()}"
            f"{self.findings._repr_html_()}"
        )


def _framed(columns: Columns, frame: str) -> Any:
    if frame == "pandas":
        return pandas_frame(columns)
    if frame == "polars":
        return polars_frame(columns)
    raise StudiousError(f'frame={frame!r}: must be "pandas" or "polars"')


def _only(what: str, **given: object) -> None:
    """Refuse options that would be read by nothing."""
    for name, value in given.items():
        if value is not None:
            raise StudiousError(f"{name}=: means nothing for {what}. Remove it")
