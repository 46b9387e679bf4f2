from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import studious
from studious import _runtime

from folders import events, lay


def test_init_reports_what_the_process_trains_with(tmp_path: Path) -> None:
    studious.Trial.load(lay(tmp_path)).init({"w": np.zeros(3)})
    (runtime,) = events(tmp_path, "runtime")
    assert runtime["python"] == platform.python_version()
    packages = runtime["packages"]
    for name in ("numpy", "studious-tuning"):
        assert packages[name] == importlib.metadata.version(name)


def test_nothing_is_imported_to_report_it() -> None:
    code = (
        "import sys, numpy; from studious._runtime import runtime; before = set(sys.modules);"
        "fields = runtime({'w': [numpy.zeros(2)]});"
        "assert not {'jax', 'torch', 'tensorflow'} & set(sys.modules);"
        "assert fields['device'] is None and 'jax' not in fields['packages'], fields"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.jax
def test_the_device_is_that_of_the_parameters() -> None:
    jax = pytest.importorskip("jax")
    fields = _runtime.runtime({"a": 1, "b": (np.zeros(2), jax.numpy.zeros(2))})
    assert fields["device"] == jax.devices()[0].device_kind
    assert fields["packages"]["jax"] == jax.__version__


def test_what_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    fields = _runtime.runtime(deep)
    assert fields == {"python": platform.python_version(), "packages": {}, "device": None}
