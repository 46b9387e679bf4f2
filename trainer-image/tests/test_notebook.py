"""studious.Study on a study that the real command ran."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import studious
from studious import StudiousError
from studious.notebook import Plot

from studies import studious as call


@pytest.fixture(scope="module")
def study(run: Path) -> studious.Study:
    return studious.Study(run)


def test_trials_are_a_frame(study: studious.Study, run: Path) -> None:
    trials = study.trials()
    assert len(trials) == len(study) == 12
    assert list(trials.columns) == [
        *("name", "round", "outcome", "reason", "objective", "step"),
        *("optimizer", "learning_rate", "hyperparameters.step", "metrics.latency_ms"),
    ]
    good = trials[trials.outcome == "succeeded"]
    assert good.objective.dtype == "float64"
    assert str(trials.step.dtype) == str(trials["hyperparameters.step"].dtype) == "Int64"
    # The best that satisfies the constraint is measured at 10 steps or before.
    assert set(trials[trials.outcome == "infeasible"].reason) == {"Diverged"}
    assert trials[trials.optimizer == "plain"]["hyperparameters.step"].isna().all()
    # The command's own table says the same.
    csv = run / "trials.csv"
    csv.write_text(call(run, "export", ".", "--format", "csv"))
    exported = pd.read_csv(csv)
    assert list(exported.columns) == list(trials.columns)
    for column in ("objective", "learning_rate", "step", "metrics.latency_ms"):
        ours = trials[column].astype("float64")
        pd.testing.assert_series_equal(ours, exported[column].astype("float64"))


def test_trials_are_a_polars_frame(study: studious.Study) -> None:
    trials = study.trials("polars")
    assert isinstance(trials, pl.DataFrame)
    assert trials.schema["step"] == pl.Int64
    assert trials.schema["learning_rate"] == pl.Float64
    assert trials.to_dicts()[0]["name"] == "valley-explore-0000"
    with pytest.raises(StudiousError, match='must be "pandas" or "polars"'):
        study.trials("arrow")  # type: ignore[call-overload]


def test_measurements_are_long(study: studious.Study) -> None:
    everything = study.measurements()
    assert list(everything.columns) == ["trial", "round", "host", "metric", "step", "value"]
    assert set(everything.metric) == {"loss", "latency_ms"}
    losses = study.measurements("loss", frame="polars")
    best = losses.group_by("trial").agg(pl.col("value").min()).sort("value")
    assert best["value"][0] == pytest.approx(study.trials().objective.min())


def test_parquet_is_read_by_pandas_and_polars(study: studious.Study, run: Path) -> None:
    call(run, "export", ".", "--format", "parquet", "--out", "trials.parquet")
    trials = pd.read_parquet(run / "trials.parquet")
    assert list(trials.columns) == list(study.trials().columns)
    assert trials.objective.dtype == "float64"
    pd.testing.assert_series_equal(trials.objective, study.trials().objective)
    columnar = pl.read_parquet(run / "trials.parquet")
    assert columnar.schema["hyperparameters.step"] == pl.Int64
    assert columnar["optimizer"].to_list() == study.trials("polars")["optimizer"].to_list()
    call(run, "export", ".", "--format", "parquet", "--measurements", "--out", "m.parquet")
    measured = pl.read_parquet(run / "m.parquet")
    key = ["trial", "host", "metric", "step"]
    assert measured.sort(key).equals(study.measurements(frame="polars").sort(key))


def test_pictures_draw_themselves(study: studious.Study, tmp_path: Path) -> None:
    plot = study.plots["axis-learning_rate"]
    assert "vega-lite/v6" in plot.specification["$schema"]
    data, metadata = plot._repr_mimebundle_()
    assert data["application/vnd.vegalite.v6+json"] == plot.specification
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] >= 600
    assert "axis-learning_rate" in repr(plot)
    assert plot.save(tmp_path / "a.svg", theme="dark").read_text().startswith("<svg")
    with pytest.raises(StudiousError, match=r"must end in .svg or .png, not .pdf"):
        plot.save(tmp_path / "a.pdf")
    with pytest.raises(KeyError, match=r"no plot axis-width. There are: .*axis-learning_rate"):
        study.plots["axis-width"]
    assert "best-of-k" in study.plots._repr_html_()
    assert isinstance(next(iter(study.plots.values())), Plot)


def test_conclusions_are_those_of_the_command(study: studious.Study, run: Path) -> None:
    said = json.loads(call(run, "findings", ".", "--format", "json"))
    assert [finding.raw for finding in study.findings] == said["findings"]
    assert [q.answer for q in study.checklist.questions] == [
        q["answer"] for q in said["checklist"]["questions"]
    ]
    finding = next(f for f in study.findings if f.code == "InfeasibleFraction")
    assert finding.evidence["infeasible"] > 0
    page = study._repr_html_()
    assert "Where is the &lt;valley&gt;?" in page
    assert "<valley>" not in page
    assert study.checklist.provisional == said["checklist"]["provisional"]


def test_trials_that_ran_elsewhere(study: studious.Study, run: Path) -> None:
    (run / "t.jsonl").write_text(call(run, "export", "."))
    again = studious.Study.of_trials(run / "study.yaml", run / "t.jsonl")
    assert again.name == "valley"
    assert [f.raw for f in again.findings] == [f.raw for f in study.findings]
    pd.testing.assert_frame_equal(again.trials(), study.trials())


def test_a_run_is_found_by_its_name(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent.parent)
    assert studious.Study("valley").name == "valley"
    with pytest.raises(StudiousError, match="studious-runs/plains isn't either"):
        studious.Study("plains")
    with pytest.raises(StudiousError, match="token=: means nothing for a folder"):
        studious.Study("valley", token="x")


def test_what_the_command_says_is_told(run: Path, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("kind: Study")
    with pytest.raises(StudiousError, match="failed with exit code 1: error:"):
        _ = studious.Study(tmp_path).name
    with pytest.raises(StudiousError, match="there is no such command"):
        studious.Study(run, binary=tmp_path / "nothing")
    # Of another version.
    other = tmp_path / "studious"
    other.write_text("#!/bin/sh\necho '{\"reportVersion\": 2}'\n")
    other.chmod(other.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(StudiousError, match="reports of version 2, and this package reads 1"):
        _ = studious.Study(run, binary=other).name


def test_trials_are_read_as_far_as_they_are_wanted(run: Path) -> None:
    first = next(studious.Study(run)._source.records())
    assert first["name"] == "valley-explore-0000"


def test_trainers_import_none_of_it() -> None:
    code = """
import sys, studious
assert "studious.notebook" not in sys.modules and "urllib.request" not in sys.modules
studious.Study
assert "studious.notebook" in sys.modules and "pandas" not in sys.modules
try:
    studious.Studi
except AttributeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True
    )
    assert "no attribute 'Studi'" in done.stdout
