"""Trees of tensors: what state_dict() gives of models and optimizers (F-117)."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import studious

from folders import events, lay


def through(tmp_path: Path, tree: Any) -> Any:
    """Save a tree, and restore it as the next attempt does."""
    studious.Trial.load(lay(tmp_path)).checkpoints.save(1, tree)
    restored = studious.Trial.load(lay(tmp_path, attempt=2)).checkpoints.restore()
    assert restored is not None
    return restored[1]


DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.complex64, torch.complex128, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(
        getattr(torch, name)
        for name in ("float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64")
        if hasattr(torch, name)
    ),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 2), (2, 0, 1)], ids=str)
def test_tensors_of_any_dtype_and_shape_come_back_bit_for_bit(
    tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    size = torch.zeros((), dtype=dtype).element_size() * int(np.prod(shape))
    raw = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    if dtype == torch.bool:
        raw %= 2
    tensor = torch.empty(shape, dtype=dtype)
    if size:
        tensor = torch.from_numpy(raw).view(dtype).reshape(shape)
    back = through(tmp_path, {"w": tensor})["w"]
    assert (back.dtype, back.shape, type(back)) == (dtype, tensor.shape, torch.Tensor)
    # By bytes: NaN is among them. Old versions of torch have no view of an empty tensor.
    assert not size or back.reshape(-1).view(torch.uint8).numpy().tobytes() == raw.tobytes()


def test_a_fingerprint_is_that_of_the_same_numbers_in_numpy() -> None:
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    held = {"kernel": kernel, "steps": np.array(3)}
    tree = {"kernel": torch.from_numpy(kernel), "steps": torch.tensor(3)}
    assert studious.fingerprint(tree) == studious.fingerprint(held)
    transposed = torch.from_numpy(np.ascontiguousarray(kernel.T)).T
    parameter = torch.nn.Parameter(transposed)
    assert studious.fingerprint({**tree, "kernel": parameter}) == studious.fingerprint(held)
    half = {"kernel": tree["kernel"].bfloat16()}
    assert studious.fingerprint(half) != studious.fingerprint({"kernel": kernel})


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_a_model_with_its_optimizer_and_generators_resumes_bit_for_bit(
    tmp_path: Path, optimizer: str
) -> None:
    def fresh() -> tuple[Any, Any, Any]:
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.ReLU()
        )
        options = {"momentum": 0.9} if optimizer == "SGD" else {}
        rule = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1, **options)
        return model, rule, torch.optim.lr_scheduler.CosineAnnealingLR(rule, 10)

    def train(model: Any, rule: Any, scheduler: Any, steps: int) -> None:
        for _ in range(steps):
            rule.zero_grad()
            model(torch.randn(16, 4)).square().sum().backward()
            rule.step()
            scheduler.step()

    def state(model: Any, rule: Any, scheduler: Any) -> dict[str, Any]:
        parts = {"model": model, "optimizer": rule, "scheduler": scheduler}
        states = {name: part.state_dict() for name, part in parts.items()}
        return {**states, "torch": torch.get_rng_state(), "python": random.getstate()}

    whole = fresh()
    train(*whole, 3)
    saved = state(*whole)
    back = through(tmp_path, saved)
    assert studious.fingerprint(back) == studious.fingerprint(saved)
    train(*whole, 3)

    resumed = fresh()
    for part, name in zip(resumed, ("model", "optimizer", "scheduler"), strict=True):
        part.load_state_dict(back[name])
    torch.set_rng_state(back["torch"])
    random.setstate(back["python"])
    train(*resumed, 3)
    assert studious.fingerprint(state(*resumed)) == studious.fingerprint(state(*whole))


def test_everything_comes_back_as_the_kind_it_was(tmp_path: Path) -> None:
    tree: dict[Any, Any] = {
        0: {"exp_avg": torch.ones(2)},
        -7: [torch.nn.Parameter(torch.ones(2)), torch.ones(2, requires_grad=True)],
        "plain": (1, True, 0.1, float("-inf"), 2j, "text \udc80", b"\x00\xff", None, 2**200),
        "negative": -(2**90),
        "numpy": [
            np.float32(0.5),
            np.str_("a"),
            np.array(["ab", "c"]),
            np.datetime64("2026-01-01"),
        ],
        "empty": {"dict": {}, "list": [], "tuple": ()},
    }
    back = through(tmp_path, tree)
    assert list(back) == list(tree)
    assert (back["plain"], back["negative"], back["empty"]) == (
        tree["plain"],
        tree["negative"],
        tree["empty"],
    )
    assert [type(one) for one in back["plain"]] == [type(one) for one in tree["plain"]]
    assert isinstance(back[-7][0], torch.nn.Parameter)
    assert back[-7][1].requires_grad
    assert not back[0]["exp_avg"].requires_grad
    assert [type(one) for one in back["numpy"]] == [type(one) for one in tree["numpy"]]
    assert back["numpy"][2].tolist() == ["ab", "c"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.eye(2).to_sparse(), r"is sparse; make it dense with .to_dense\(\) first"),
        (torch.empty(2, device="meta"), "is on the meta device"),
        (torch.nn.UninitializedParameter(), "has no shape yet"),
        (torch.quantize_per_tensor(torch.ones(1), 0.1, 0, torch.qint8), "is quantized"),
        (torch.float32, "dtype is not an array of numbers"),
    ],
)
def test_what_cannot_be_saved_is_named_without_a_word_of_jax(value: Any, said: str) -> None:
    with pytest.raises(studious.StudiousError, match=said) as error:
        studious.fingerprint({"model": [value]})
    assert '["model",0]' in str(error.value)
    assert "jax" not in str(error.value).lower()


def test_a_checkpoint_of_tensors_needs_torch_only_where_it_is_restored(tmp_path: Path) -> None:
    studious.Trial.load(lay(tmp_path)).checkpoints.save(1, {"w": torch.ones(2)})
    code = """
import sys
sys.modules["torch"] = None
import studious
studious.Trial.load().checkpoints.restore()
"""
    environment = {**os.environ, "STUDIOUS_TRIAL_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert b"Restore it where torch is installed" in done.stderr


def test_a_checkpoint_of_ones_own_is_found_again(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    for step in (10, 20):
        file = trial.checkpoints.folder / f"{step}.pt"
        file.parent.mkdir(exist_ok=True)
        torch.save({"w": torch.full((2,), float(step))}, file)
        trial.checkpoint_saved(step, file)
    found = studious.Trial.load(lay(tmp_path, attempt=2)).checkpoint_to_restore()
    assert found is not None
    assert found[0] == 20
    assert torch.load(found[1])["w"].tolist() == [20, 20]
    names = [event["step"] for event in events(tmp_path, "checkpoint")]
    assert names == [10, 20]
