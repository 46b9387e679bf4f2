"""The name under which the package is installed, in every page and script (F-112)."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import studious

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent if (PACKAGE.parent / "docs").is_dir() else PACKAGE
KINDS = ("*.md", "*.py", "*.ipynb", "*.sh", "*.toml", "*.txt", "*.yaml", "*.yml", "Dockerfile")
BUILT = {".git", ".venv", "node_modules", "target", "dist"}

BY_NAME = re.compile(
    r"pip3? install[^\n`|&;]*?[\s'\"]studious(-tuning)?(?=[\s'\"\[=<>~]|$)", re.MULTILINE
)
"""`studious` is another project's on PyPI, and `studious-tuning` is not published yet."""


def files() -> Iterator[Path]:
    for kind in KINDS:
        for file in ROOT.rglob(kind):
            if not BUILT & set(file.relative_to(ROOT).parts):
                yield file


def test_the_distribution_has_a_name_of_its_own() -> None:
    assert importlib.metadata.version("studious-tuning")
    assert studious.__name__ == "studious"
    names = importlib.metadata.packages_distributions()
    assert names["studious"] == ["studious-tuning"]
    assert names["studious_trainer"] == ["studious-tuning"]


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("pip install studious", True),
        ("pip install 'studious[notebook]'  # pandas", True),
        ("pip install --quiet studious==0.1.0", True),
        ("pip install studious-tuning", True),
        ("pip install './trainer-image[notebook]'", False),
        ("pip install dist/studious_tuning-0.1.0.whl", False),
        ("pip install numpy; studious run study.yaml", False),
    ],
)
def test_what_counts_as_installing_it_by_name(command: str, wrong: bool) -> None:
    assert bool(BY_NAME.search(command)) == wrong


def test_no_page_installs_it_by_a_name_that_is_not_ours() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in files()
        if file != Path(__file__)
        for match in BY_NAME.finditer(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found
