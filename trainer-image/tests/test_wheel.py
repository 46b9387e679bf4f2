"""What these tests run against, and what users install: the built wheel."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from importlib import resources
from pathlib import Path

import studious


def test_the_package_under_test_is_the_installed_wheel() -> None:
    assert "site-packages" in Path(studious.__file__).parts
    assert studious.__file__.endswith("studious/__init__.py")
    for package in ("studious", "studious_trainer"):
        assert resources.files(package).joinpath("py.typed").is_file()


def test_numpy_is_all_it_needs() -> None:
    required = importlib.metadata.requires("studious-tuning") or []
    assert [need for need in required if "extra ==" not in need] == ["numpy>=1.26"]


def test_importing_it_imports_nothing_but_numpy_and_the_standard_library() -> None:
    code = """
import sys
import numpy
before = {name.split(".")[0] for name in sys.modules}
import studious
new = {name.split(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)
print(sorted(new))
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert output.stdout.strip() == "['studious']"
