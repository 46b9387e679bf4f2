from __future__ import annotations

import importlib.util

import pytest

if importlib.util.find_spec("torch") is None:
    raise pytest.UsageError(
        "the tests of PyTorch need torch, which cannot be imported here. Run them with "
        "trainer-image/test.sh, which says how to get it, or leave them out with "
        "trainer-image/test.sh --without-torch"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "pytorch":
            item.add_marker(pytest.mark.torch)
