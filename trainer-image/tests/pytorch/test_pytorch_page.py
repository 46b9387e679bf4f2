"""The programs of docs/pytorch.md, run as they are printed (F-121)."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from folders import Json, curve, events, lay, lines, run, start

PAGE = Path(__file__).resolve().parents[3] / "docs" / "pytorch.md"
BLOCK = re.compile(r"^<!-- (\w+\.py) -->\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAMS = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))

# What the page leaves to its readers: a model and data.
LIGHTNING = """
import torch


class Module(pl.LightningModule):
    def __init__(self, rate):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.rate = rate

    def loss(self, batch):
        return torch.nn.functional.mse_loss(self.layer(batch), batch[:, :1])

    def training_step(self, batch, index):
        return self.loss(batch)

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch))

    def _register_sharded_tensor_state_dict_hooks_if_available(self):
        pass  # on Python 3.11 torch 1.13 cannot import its own sharded tensors

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.rate)


trial = studious.Trial.load()
rows = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
loaders = [torch.utils.data.DataLoader(rows, batch_size=8) for _ in range(2)]
module = Module(trial.hyperparameters.number("learning_rate"))
fit(trial, module, *loaders)
"""
HUGGING_FACE = """
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x, labels):
        scores = self.layer(x)
        return {"loss": torch.nn.functional.mse_loss(scores, labels), "logits": scores}


trial = studious.Trial.load()
torch.manual_seed(trial.seeds.init)
rows = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
dataset = [{"x": row, "labels": row[:1]} for row in rows]
train(trial, Model(), dataset, dataset)
"""


def laid(folder: Path, metric: str, steps: int = 60, **changes: Any) -> Path:
    inputs: Json = {
        "hyperparameters": {"learning_rate": 0.05},
        "maxTrainSteps": steps,
        "schedule": None,
        "objective": {"metric": metric, "direction": "Minimize"},
        "evaluation": {"everySteps": 20},
        "checkpoint": {"everySteps": 20, "keepBest": 1},
    }
    return lay(folder, **inputs | changes)


def trained(folder: Path, program: str, metric: str, steps: int = 60, **changes: Any) -> Path:
    """Run a program in a trial folder; fails unless it exits with 0."""
    laid(folder, metric, steps, **changes)
    script = folder / "program.py"
    script.write_text(program)
    code, output = run(folder, sys.executable, str(script), CUDA_VISIBLE_DEVICES="")
    assert code == 0, output
    assert lines(folder)[-1] == {"event": "done", "step": steps}
    return folder


@pytest.mark.parametrize(
    ("name", "rest", "metric"),
    [
        ("train.py", "", "val_loss"),
        ("own.py", "", "val_loss"),
        ("lightning.py", LIGHTNING, "val_loss"),
        ("hugging_face.py", HUGGING_FACE, "eval_loss"),
    ],
)
def test_it_trains_reports_and_resumes(tmp_path: Path, name: str, rest: str, metric: str) -> None:
    program = PROGRAMS[name] + rest
    whole = trained(tmp_path / "whole", program, metric)
    values = dict(curve(whole, metric))
    assert list(values) == [20, 40, 60]
    assert values[60] < values[20]
    assert [event["step"] for event in events(whole, "checkpoint")] == [20, 40, 60]
    (init,) = events(whole, "init")
    assert "restored_step" not in init

    folder = tmp_path / "resumed"
    trained(folder, program, metric, steps=40)
    (folder / "metrics.jsonl").rename(folder / "first.jsonl")
    trained(folder, program, metric, attempt=2)
    (init,) = events(folder, "init")
    assert init["restored_step"] == 40
    assert (
        f'"parameters_sha256":"{init["parameters_sha256"]}"' in (folder / "first.jsonl").read_text()
    )
    if name == "train.py":
        assert events(folder, "checkpoint")[-1] == events(whole, "checkpoint")[-1]
    else:
        assert dict(curve(folder, metric))[60] < values[20]


def test_the_local_ranks_of_two_hosts(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    folders = []
    for index in range(2):
        host = {"index": index, "count": 2, "coordinator": coordinator}
        seeds = {"init": 7241, "data": 99 + index, "split": 5}
        folders.append(laid(tmp_path / str(index), "val_loss", 20, host=host, seeds=seeds))
    script = tmp_path / "ranks.py"
    script.write_text(PROGRAMS["ranks.py"])
    # Redirect a rank that there is not: on Python 3.11 torch 1.13 cannot read its own default.
    options = ("--nproc_per_node", "2", "--redirects", "9:1", "--tee", "9:1")
    command = (sys.executable, "-m", "studious.torchrun", *options, str(script))
    processes = [start(folder, *command, CUDA_VISIBLE_DEVICES="") for folder in folders]
    for process in processes:
        try:
            output, _ = process.communicate(timeout=240)
        finally:
            process.kill()
        assert process.returncode == 0, output
    for folder in folders:
        assert len(events(folder, "init")) == 1
        assert lines(folder)[-1] == {"event": "done", "step": 20}
    prints = {events(folder, "init")[0]["parameters_sha256"] for folder in folders}
    assert len(prints) == 1
    assert [step for step, _ in curve(folders[0], "val_loss")] == [20]
    assert not curve(folders[1], "val_loss")
    assert [event["step"] for event in events(folders[0], "checkpoint")] == [20]


def test_a_program_gets_its_overrides_by_its_own_names(tmp_path: Path) -> None:
    """F-120."""
    point = {"optim_lr": 0.01, "width": 64}
    folder = lay(tmp_path, hyperparameters=point, aliases={"optim_lr": "optim.lr"})
    script = tmp_path / "overrides.py"
    script.write_text(PROGRAMS["overrides.py"])
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"STUDIOUS_TRIAL_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["optim.lr=0.01", "width=64", "trainer.max_steps=500"]
