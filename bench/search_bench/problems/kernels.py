"""Real tuning problems: kernel machines on real data, each trained and validated for real."""

from __future__ import annotations

import functools

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from sklearn.svm import SVC

from search_bench.problems import data
from search_bench.problems.problem import Problem
from search_bench.space import Choice, Point, Range, Space


@functools.cache
def _digits_distances() -> tuple[np.ndarray, np.ndarray]:
    split = data.digits(300, 600)
    return cdist(split.x, split.x, "sqeuclidean"), cdist(split.validation_x, split.x, "sqeuclidean")


def _kernel_digits(point: Point) -> float:
    split = data.digits(300, 600)
    within, across = _digits_distances()
    gamma, ridge = float(point["gamma"]), float(point["ridge"])
    target = np.eye(10)[split.y] - 0.1
    factor = cho_factor(np.exp(-gamma * within) + ridge * np.eye(len(within)))
    predicted = np.exp(-gamma * across) @ cho_solve(factor, target)
    error = predicted - (np.eye(10)[split.validation_y] - 0.1)
    return float((error**2).sum(axis=1).mean())


def _svm(point: Point) -> float:
    split = data.breast_cancer()
    machine = SVC(
        C=float(point["c"]),
        kernel=str(point["kernel"]),
        gamma=float(point.get("gamma", 1.0)),
        degree=int(point.get("degree", 3)),
        coef0=1.0,
        tol=1e-4,
        max_iter=20_000,
    )
    machine.fit(split.x, split.y)
    margin = split.validation_y * machine.decision_function(split.validation_x)
    return float(np.logaddexp(0, -2 * np.clip(margin, -1e3, 1e3)).mean())


_GROUPS = {"age_sex": (0, 1), "bmi": (2,), "pressure": (3,), "cholesterol": (4, 5, 6), "lipids": (7, 8), "sugar": (9,)}


def _kernel_diabetes(point: Point) -> float:
    split = data.diabetes()
    scales = np.ones(10)
    for name, columns in _GROUPS.items():
        scales[list(columns)] = 1 / float(point[name])
    metric = "cityblock" if point["kernel"] == "laplace" else "sqeuclidean"
    within = cdist(split.x * scales, split.x * scales, metric)
    across = cdist(split.validation_x * scales, split.x * scales, metric)
    factor = cho_factor(np.exp(-0.5 * within) + float(point["ridge"]) * np.eye(len(within)))
    predicted = np.exp(-0.5 * across) @ cho_solve(factor, split.y)
    return float(((predicted - split.validation_y) ** 2).mean())


def problems() -> list[Problem]:
    """The problems of this file."""
    return [
        Problem(
            "kernel-digits",
            Space((Range("gamma", 1e-5, 1, "Log"), Range("ridge", 1e-6, 10, "Log"))),
            _kernel_digits,
            infeasible=False,
            says="kernel ridge classifier of digits (real data)",
        ),
        Problem(
            "svm-breast-cancer",
            Space(
                (
                    Choice("kernel", ("linear", "rbf", "poly")),
                    Range("c", 1e-3, 1e3, "Log"),
                    Range("gamma", 1e-5, 1, "Log", when={"kernel": ("rbf", "poly")}),
                    Range("degree", 2, 5, integer=True, when={"kernel": ("poly",)}),
                )
            ),
            _svm,
            infeasible=False,
            says="support vector machine of breast cancer (real data), gamma and degree conditional on the kernel",
        ),
        Problem(
            "kernel-diabetes",
            Space(
                (
                    *(Range(name, 0.3, 300, "Log") for name in _GROUPS),
                    Range("ridge", 1e-4, 10, "Log"),
                    Choice("kernel", ("rbf", "laplace")),
                )
            ),
            _kernel_diabetes,
            infeasible=False,
            says="kernel ridge regression of diabetes (real data), a length scale for each group of inputs",
        ),
    ]
