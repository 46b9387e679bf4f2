from __future__ import annotations

import numpy as np
import pytest

from studious import Schedule


def test_warmup_begins_at_zero_and_reaches_the_base_rate() -> None:
    schedule = Schedule("Constant", base=2.0, warmup_steps=4)
    assert schedule.array(6).tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.0]


def test_linear_decay_after_the_constant_part() -> None:
    schedule = Schedule("Linear", 1.0, warmup_steps=2, constant_steps=3, decay_steps=4)
    assert schedule.array(11).tolist() == [0, 0.5, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0]


def test_cosine_is_half_a_wave() -> None:
    schedule = Schedule("Cosine", 0.013, warmup_steps=25, decay_steps=475)
    t = np.arange(25, 500)
    expected = 0.013 * 0.5 * (1 + np.cos(np.pi * (t - 25) / 475))
    np.testing.assert_allclose(schedule.array(500)[25:], expected, rtol=1e-12)
    assert schedule(25) == 0.013
    assert schedule(500) == 0.0


@pytest.mark.parametrize("family", ["Linear", "Cosine"])
def test_the_end_is_the_base_rate_times_the_end_factor(family: str) -> None:
    schedule = Schedule(family, 3.0, decay_steps=10, end_factor=0.1)
    assert schedule(0) == pytest.approx(3.0)
    assert schedule(5) == pytest.approx(3.0 * 0.55)
    assert schedule(10) == schedule(10_000) == pytest.approx(0.3)


def test_no_decay_steps_means_the_end_at_once() -> None:
    assert Schedule("Linear", 1.0, constant_steps=1, end_factor=0.5).array(3).tolist() == [
        1.0,
        0.5,
        0.5,
    ]
