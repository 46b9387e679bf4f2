"""examples/notebook.ipynb, cell by cell, as Jupyter runs it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from studies import command

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


@pytest.mark.skipif(not NOTEBOOK.exists(), reason="a copy of this folder alone")
def test_every_cell_shows_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIOUS_BINARY", command())
    monkeypatch.chdir(NOTEBOOK.parent)
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    names: dict[str, Any] = {}
    kinds: set[str] = set()
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop()
        assert isinstance(last, ast.Expr), "a cell ends with what it shows"
        exec(compile(tree, cell["id"], "exec"), names)
        shown = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
        (output,) = cell["outputs"]
        assert output["output_type"] == "execute_result", "run the notebook again, and save it"
        if hasattr(shown, "_repr_mimebundle_"):
            data, _ = shown._repr_mimebundle_()
            assert set(data) == set(output["data"])
        elif hasattr(shown, "_repr_html_"):
            assert shown._repr_html_()
            assert "text/html" in output["data"]
        kinds |= set(output["data"])
    assert {"application/vnd.vegalite.v6+json", "image/png", "text/html"} <= kinds
