import json

import pytest

from search_bench.space import Choice, Range, Space, study

SPACE = Space(
    (
        Choice("optimizer", ("sgd", "momentum")),
        Range("rate", 1e-4, 10, "Log"),
        Range("momentum", 0, 0.99, "ReverseLog", when={"optimizer": ("momentum",)}),
        Range("width", 4, 64, "Log", integer=True),
    )
)


def test_units_reach_both_ends() -> None:
    low, high = SPACE.point([0.999, 0.0, 0.0, 0.0]), SPACE.point([0.999, 1.0, 1.0, 1.0])
    assert low == {"optimizer": "momentum", "rate": pytest.approx(1e-4), "momentum": 0.0, "width": 4}
    assert high == {
        "optimizer": "momentum",
        "rate": pytest.approx(10),
        "momentum": pytest.approx(0.99),
        "width": 64,
    }
    SPACE.check(low)
    SPACE.check(high)


def test_what_does_not_exist_is_left_out() -> None:
    assert set(SPACE.point([0.0, 0.5, 0.5, 0.5])) == {"optimizer", "rate", "width"}


@pytest.mark.parametrize(
    "point",
    [
        {"optimizer": "sgd", "rate": 1.0, "momentum": 0.5, "width": 8},
        {"optimizer": "momentum", "rate": 1.0, "width": 8},
        {"optimizer": "sgd", "rate": 11.0, "width": 8},
        {"optimizer": "sgd", "rate": 1.0, "width": 8.5},
        {"optimizer": "adam", "rate": 1.0, "width": 8},
    ],
)
def test_points_outside_are_refused(point: dict[str, float | int | str]) -> None:
    with pytest.raises(ValueError, match=r"outside|other parameters"):
        SPACE.check(point)


def test_the_study_has_the_space() -> None:
    spec = json.loads(study(SPACE, "Bayesian", 3, 70))["spec"]
    assert spec["search"] == {"algorithm": "Bayesian", "seed": 3}
    assert spec["hyperparameters"][2]["when"] == {"optimizer": ["momentum"]}
    assert spec["hyperparameters"][3]["range"] == {"min": 4, "max": 64, "scale": "Log", "integer": True}
