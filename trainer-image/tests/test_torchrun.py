from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import studious
from studious import torchrun

from folders import lay


class Became(Exception):  # noqa: N818 (no error)
    pass


@pytest.mark.parametrize(
    ("host", "options"),
    [
        (studious.Host(0, 1, None), ["--standalone"]),
        (
            studious.Host(1, 4, "digits-0007-a1-0.digits:8476"),
            [
                *("--nnodes=4", "--node_rank=1"),
                *("--master_addr=digits-0007-a1-0.digits", "--master_port=8476"),
            ],
        ),
    ],
)
def test_what_the_trial_says_of_its_hosts(host: studious.Host, options: list[str]) -> None:
    assert torchrun.arguments(host) == options


def test_it_becomes_torchrun_with_all_other_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    became: list[list[str]] = []

    def become(_path: str, command: list[str]) -> NoReturn:
        became.append(command)
        raise Became

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr(sys, "argv", ["torchrun"])
    with pytest.raises(SystemExit, match="2"):
        torchrun.main()
    assert "usage: python -m studious.torchrun" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["torchrun", "--nproc_per_node", "2", "train.py", "--x"])
    monkeypatch.delenv("STUDIOUS_TRIAL_DIR", raising=False)
    with pytest.raises(SystemExit, match="1"):
        torchrun.main()
    assert "STUDIOUS_TRIAL_DIR is not set" in capsys.readouterr().err
    assert not became
    monkeypatch.setenv("STUDIOUS_TRIAL_DIR", str(lay(tmp_path)))
    with pytest.raises(Became):
        torchrun.main()
    module = [sys.executable, "-m", "torch.distributed.run"]
    assert became == [[*module, "--standalone", "--nproc_per_node", "2", "train.py", "--x"]]
