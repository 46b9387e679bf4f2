from __future__ import annotations

from pathlib import Path

import pytest

from studies import ran


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that ran."""
    return ran(tmp_path_factory.mktemp("study"))
