"""Test functions with a known optimum, put on the scales and kinds of dimension that tuning has."""

from __future__ import annotations

import math

import numpy as np

from search_bench.problems.problem import Problem
from search_bench.space import Choice, Point, Range, Space


def _number(point: Point, name: str) -> float:
    return float(point[name])


def _branin(point: Point) -> float:
    # Both dimensions in log10: -3..2 is mapped onto Branin's own -5..10 and 0..15.
    x = -5 + 3 * (math.log10(_number(point, "a")) + 3)
    y = 3 * (math.log10(_number(point, "b")) + 3)
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


_HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
_HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])


def _hartmann_at(x: np.ndarray) -> float:
    return -float(_HARTMANN_ALPHA @ np.exp(-(_HARTMANN_A * (x - _HARTMANN_P) ** 2).sum(axis=1)))


def _vector(point: Point, names: str) -> np.ndarray:
    return np.array([_number(point, n) for n in names])


def _hartmann(point: Point) -> float:
    return _hartmann_at(_vector(point, "abcdef"))


def hartmann_margin(x: np.ndarray) -> float:
    """Above 0 where `hartmann6-edge` is infeasible: a curved cut through the optimum's basin."""
    return float(x[0] + x[3] + 0.6 * x[5] + 0.5 * math.sin(5 * x[4]) - 1.3)


def _hartmann_edge(point: Point) -> float | None:
    x = _vector(point, "abcdef")
    return None if hartmann_margin(x) > 0 else _hartmann_at(x)


def _rosenbrock(point: Point) -> float:
    # Each dimension is the exponential of Rosenbrock's: 10^-1..10^1 is -2..2.
    x = 2 * np.log10(_vector(point, "abcd"))
    return math.log1p(float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()))


_ACKLEY_SHIFT = {"p": (0.31, -0.77), "q": (-1.2, 0.4), "r": (0.9, 1.3), "s": (-0.2, -1.6)}
_ACKLEY_OFFSET = {"p": 0.6, "q": 0.0, "r": 1.1, "s": 0.25}


def _ackley(point: Point) -> float:
    kind = str(point["kind"])
    shift = _ACKLEY_SHIFT[kind]
    x = np.array(
        [
            _number(point, "a") - shift[0],
            _number(point, "b") - shift[1],
            math.log10(_number(point, "rate")) + 2.4,
            0.35 * (_number(point, "layers") - 5),
        ]
    )
    value = -20 * math.exp(-0.2 * math.sqrt(float((x**2).mean()))) - math.exp(float(np.cos(2 * math.pi * x).mean()))
    return value + 20 + math.e + _ACKLEY_OFFSET[kind]


def _levy(point: Point) -> float:
    x = np.concatenate(
        [_vector(point, "abcde") - 0.7, [_number(point, n) - k for n, k in (("i", 2), ("j", -3), ("k", 5))]]
    )
    w = 1 + x / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    return float(math.sin(math.pi * w[0]) ** 2 + middle.sum() + last)


MEMORY_GIB = 16.0


def memory_gib(width: float, depth: float, batch: float) -> float:
    """What a trainer of this size takes: parameters with their optimizer's state, and activations."""
    return (16 * 12 * depth * width**2 + 2 * 34 * batch * 256 * width * depth) / 2**30


def _scaling(point: Point) -> float | None:
    # Loss by a scaling law in parameters and examples; each size has its own best learning rate.
    width, depth, batch = (_number(point, n) for n in ("width", "depth", "batch_size"))
    if memory_gib(width, depth, batch) > MEMORY_GIB:
        return None
    parameters, examples = 12 * depth * width**2, batch * 256 * 2e4
    aspect = math.log(width / (64 * depth)) ** 2
    best_rate = 3e-3 * math.sqrt(batch / 32) * 512 / width
    off = math.log(_number(point, "learning_rate") / best_rate) ** 2
    return float(1.7 + 400 / parameters**0.34 + 410 / examples**0.28 + 0.02 * aspect + 0.03 * off)


def problems() -> list[Problem]:
    """The problems of this file."""
    letters = tuple(Range(n, 0, 1) for n in "abcdef")
    return [
        Problem(
            "branin-log",
            Space((Range("a", 1e-3, 1e2, "Log"), Range("b", 1e-3, 1e2, "Log"))),
            _branin,
            infeasible=False,
            says="Branin's function of two logarithms",
            known=0.39788735772973816,
        ),
        Problem(
            "hartmann6",
            Space(letters),
            _hartmann,
            infeasible=False,
            says="Hartmann's function of six dimensions",
            known=-3.3223680114155147,
        ),
        Problem(
            "rosenbrock-log",
            Space(tuple(Range(n, 0.1, 10, "Log") for n in "abcd")),
            _rosenbrock,
            infeasible=False,
            says="logarithm of Rosenbrock's valley in four logarithms",
            known=0.0,
        ),
        Problem(
            "ackley-mixed",
            Space(
                (
                    Range("a", -3, 3),
                    Range("b", -3, 3),
                    Range("rate", 1e-5, 1, "Log"),
                    Range("layers", 1, 12, integer=True),
                    Choice("kind", ("p", "q", "r", "s")),
                )
            ),
            _ackley,
            infeasible=False,
            says="Ackley's function, each of four kinds with a shift and an offset of its own",
            known=0.0,
        ),
        Problem(
            "levy-integers",
            Space(tuple(Range(n, -5, 5) for n in "abcde") + tuple(Range(n, -8, 8, integer=True) for n in "ijk")),
            _levy,
            infeasible=False,
            says="a function like Levy's, three of eight dimensions whole numbers",
            known=0.0,
        ),
        Problem(
            "hartmann6-edge",
            Space(letters),
            _hartmann_edge,
            infeasible=True,
            says="Hartmann's function, a curved part of the cube infeasible",
        ),
        Problem(
            "scaling-memory",
            Space(
                (
                    Range("width", 64, 4096, "Log", integer=True),
                    Range("depth", 2, 48, "Log", integer=True),
                    Range("batch_size", 8, 512, "Log", integer=True),
                    Range("learning_rate", 1e-5, 1e-1, "Log"),
                )
            ),
            _scaling,
            infeasible=True,
            says="a scaling law of width, depth and batch size in 16 GiB: larger is better until out of memory",
        ),
    ]
