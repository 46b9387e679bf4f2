"""Trainings that are really run and really diverge: where they do is the unknown infeasible region."""

from __future__ import annotations

import functools
import math

import numpy as np

from search_bench.problems import data
from search_bench.problems.problem import Problem
from search_bench.space import Choice, Point, Range, Space

LEARNING_RATE = "learning_rate"


def _get(point: Point, name: str, default: float = 0.0) -> float:
    return float(point.get(name, default))


def _heavy_ball(point: Point) -> float | None:
    # Gradient descent with momentum on a quadratic of 20 dimensions, condition number 200.
    rate, momentum = _get(point, LEARNING_RATE), _get(point, "momentum")
    curvature = np.logspace(-2, math.log10(2), 20)
    start = 1 / np.sqrt(curvature)
    x, velocity = start.copy(), np.zeros(20)
    initial = float((curvature * start**2).sum())
    for _ in range(120):
        velocity = momentum * velocity - rate * curvature * x
        x = x + velocity
        loss = float((curvature * x**2).sum())
        if not loss <= 100 * initial:
            return None
    return math.log10(loss / initial + 1e-12)


def _game(point: Point) -> float | None:
    # Two players' gradient steps on a bilinear game with a little curvature: the cycling that adversarial
    # training has. The look-ahead (extragradient) and a negative momentum are what can damp it.
    rate_x, rate_y = _get(point, "rate_min"), _get(point, "rate_max")
    ahead, momentum = _get(point, "look_ahead"), _get(point, "momentum")
    coupling = np.linspace(0.3, 1.5, 6)
    damping = 0.02
    x, y = np.ones(6), np.ones(6)
    dx, dy = np.zeros(6), np.zeros(6)
    initial = float((x**2 + y**2).sum())
    for _ in range(100):
        gx, gy = coupling * y + damping * x, -coupling * x + damping * y
        lx, ly = x - ahead * rate_x * gx, y - ahead * rate_y * gy
        gx, gy = coupling * ly + damping * lx, -coupling * lx + damping * ly
        dx, dy = momentum * dx - rate_x * gx, momentum * dy - rate_y * gy
        x, y = x + dx, y + dy
        distance = float((x**2 + y**2).sum())
        if not distance <= 100 * initial:
            return None
    return math.log10(distance / initial + 1e-12)


@functools.cache
def _polynomial_diabetes() -> data.Split:
    split = data.diabetes()
    pairs = [(i, j) for i in range(10) for j in range(i, 10)]

    def features(x: np.ndarray) -> np.ndarray:
        return np.column_stack([x] + [0.3 * x[:, i] * x[:, j] for i, j in pairs] + [np.ones(len(x))])

    return data.Split(features(split.x), split.y, features(split.validation_x), split.validation_y)


def _regression(point: Point) -> float | None:
    split = _polynomial_diabetes()
    rate, momentum = _get(point, LEARNING_RATE), _get(point, "momentum")
    batch, decay = int(point["batch_size"]), _get(point, "weight_decay")
    rows = np.random.RandomState(1)
    w, velocity = np.zeros(split.x.shape[1]), np.zeros(split.x.shape[1])
    order, place = rows.permutation(len(split.x)), 0
    steps = 6000 // (batch + 20)  # a step costs a little besides its examples
    for step in range(steps):
        if place + batch > len(order):
            order, place = rows.permutation(len(split.x)), 0
        chosen = order[place : place + batch]
        place += batch
        error = split.x[chosen] @ w - split.y[chosen]
        gradient = split.x[chosen].T @ error / batch + decay * w
        velocity = momentum * velocity - rate * (1 - step / steps) * gradient
        w = w + velocity
        if not float(error @ error) <= 1e4 * batch:
            return None
    loss = float(((split.validation_x @ w - split.validation_y) ** 2).mean())
    return loss if loss <= 100 else None


def _activate(kind: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if kind == "relu":
        return np.maximum(z, 0), (z > 0).astype(float)
    if kind == "tanh":
        a = np.tanh(z)
        return a, 1 - a * a
    inside = 1 / (1 + np.exp(-np.clip(z, -60, 60)))  # silu
    return z * inside, inside * (1 + z * (1 - inside))


class _Network:
    """A network with one hidden layer for the digits, its parameters in one vector."""

    def __init__(self, width: int, scale: float, activation: str) -> None:
        source = np.random.RandomState(7)
        self.width, self.activation = width, activation
        self.parameters = np.concatenate(
            [
                (source.standard_normal((64, width)) * scale / 8).ravel(),
                np.zeros(width),
                (source.standard_normal((width, 10)) * scale / math.sqrt(width)).ravel(),
                np.zeros(10),
            ]
        )
        self.gradient = np.empty_like(self.parameters)

    def _views(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        w = self.width
        a, b, c = 64 * w, 65 * w, 75 * w
        return flat[:a].reshape(64, w), flat[a:b], flat[b:c].reshape(w, 10), flat[c:]

    def loss(self, x: np.ndarray, y: np.ndarray, *, backward: bool) -> float:
        """Mean cross-entropy; with `backward` also its gradient."""
        w1, b1, w2, b2 = self._views(self.parameters)
        hidden, slope = _activate(self.activation, x @ w1 + b1)
        logits = hidden @ w2 + b2
        logits = logits - logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1))
        loss = float((total - logits[np.arange(len(y)), y]).mean())
        if backward:
            delta = np.exp(logits - total[:, None])
            delta[np.arange(len(y)), y] -= 1
            delta /= len(y)
            g1, gb1, g2, gb2 = self._views(self.gradient)
            g2[...] = hidden.T @ delta
            gb2[...] = delta.sum(axis=0)
            below = (delta @ w2.T) * slope
            g1[...] = x.T @ below
            gb1[...] = below.sum(axis=0)
        return loss


# A trainer that guesses evenly has a loss of ln 10. Far above it after it started is what is called diverged.
_DIVERGED = 4 * math.log(10)


def _train(network: _Network, optimizer: str, point: Point, steps: int, batch: int) -> float | None:
    split = data.digits()
    rate, momentum, decay = _get(point, LEARNING_RATE), _get(point, "momentum"), _get(point, "weight_decay")
    beta2 = _get(point, "beta2", 0.999)
    rows = np.random.RandomState(2)
    first, second = np.zeros_like(network.parameters), np.zeros_like(network.parameters)
    with np.errstate(all="ignore"):
        for step in range(steps):
            chosen = rows.choice(len(split.x), batch, replace=False)
            loss = network.loss(split.x[chosen], split.y[chosen], backward=True)
            if step > 0 and not loss <= _DIVERGED:
                return None
            now = rate * (1 - step / steps)
            if optimizer == "adam":
                g = network.gradient
                first = momentum * first + (1 - momentum) * g
                second = beta2 * second + (1 - beta2) * g * g
                change = (first / (1 - momentum ** (step + 1))) / (np.sqrt(second / (1 - beta2 ** (step + 1))) + 1e-8)
                network.parameters -= now * (change + decay * network.parameters)
            else:
                first = momentum * first + network.gradient + decay * network.parameters
                network.parameters -= now * first
        loss = network.loss(split.validation_x, split.validation_y, backward=False)
    return loss if loss <= _DIVERGED else None


def _mlp(point: Point) -> float | None:
    network = _Network(int(point["width"]), _get(point, "init_scale"), str(point["activation"]))
    return _train(network, "sgd", point, steps=60, batch=32)


def _optimizers(point: Point) -> float | None:
    return _train(_Network(24, 1.0, "relu"), str(point["optimizer"]), point, steps=60, batch=32)


def _noisy_quadratic(point: Point) -> float | None:
    # Expected loss of momentum SGD on a noisy quadratic (Zhang et al. 2019), exactly, by the recursion of
    # second moments; a fixed number of examples, so that a larger batch has fewer steps.
    rate, momentum = _get(point, LEARNING_RATE), _get(point, "momentum")
    batch, warmup = int(point["batch_size"]), _get(point, "warmup_fraction")
    constant, end = _get(point, "constant_fraction"), _get(point, "end_factor")
    average, clip = _get(point, "averaging"), _get(point, "preconditioning")
    curvature = 1 / np.arange(1.0, 33.0)
    scale = curvature ** (1 - clip)  # a preconditioner that flattens the spectrum, and lifts the noise with it
    noise = curvature ** (1 - 2 * clip) / batch
    steps = 8192 // (batch + 24)
    # Moments of (theta, velocity, average).
    tt, tv, vv = np.ones(32), np.zeros(32), np.zeros(32)
    ta, va, aa = np.ones(32), np.zeros(32), np.ones(32)
    initial = float((curvature * tt).sum())
    for step in range(steps):
        done = (step + 1) / steps
        lr = rate * min(1.0, done / max(warmup, 1e-9))
        start = warmup + (1 - warmup) * constant
        if done > start:
            lr = rate * (1 - (1 - end) * (done - start) / max(1 - start, 1e-9))
        # velocity' = momentum velocity - lr (scale theta + noise); theta' = theta + velocity'; average' = b a + (1-b) theta'
        p, q = -lr * scale, momentum
        vv_, tv_ = p * p * tt + 2 * p * q * tv + q * q * vv + lr * lr * noise, p * tt + q * tv
        va_ = p * ta + q * va
        tt_, tv2, ta_ = tt + 2 * tv_ + vv_, tv_ + vv_, ta + va_
        b = average
        aa = b * b * aa + 2 * b * (1 - b) * ta_ + (1 - b) ** 2 * tt_
        ta, va = b * ta_ + (1 - b) * tt_, b * va_ + (1 - b) * tv2
        tt, tv, vv = tt_, tv2, vv_
        if not float((curvature * tt).sum()) <= 100 * initial:
            return None
    return math.log10(float((curvature * np.maximum(aa, 0)).sum()) / initial)


def problems() -> list[Problem]:
    """The problems of this file."""
    momentum = Range("momentum", 0, 0.99, "ReverseLog")
    return [
        Problem(
            "heavy-ball",
            Space((Range(LEARNING_RATE, 1e-3, 30, "Log"), Range("momentum", 0, 0.995, "ReverseLog"))),
            _heavy_ball,
            infeasible=True,
            says="gradient descent with momentum on a quadratic",
        ),
        Problem(
            "bilinear-game",
            Space(
                (
                    Range("rate_min", 1e-2, 10, "Log"),
                    Range("rate_max", 1e-2, 10, "Log"),
                    Range("look_ahead", 0, 2),
                    Range("momentum", -0.8, 0.6),
                )
            ),
            _game,
            infeasible=True,
            says="two players' gradient steps on a bilinear game",
        ),
        Problem(
            "sgd-diabetes",
            Space(
                (
                    Range(LEARNING_RATE, 1e-4, 1, "Log"),
                    momentum,
                    Range("batch_size", 4, 128, "Log", integer=True),
                    Range("weight_decay", 1e-4, 10, "Log"),
                )
            ),
            _regression,
            infeasible=True,
            says="momentum SGD on a regression of diabetes with products of inputs (real data)",
        ),
        Problem(
            "mlp-digits",
            Space(
                (
                    Range(LEARNING_RATE, 1e-3, 30, "Log"),
                    momentum,
                    Range("width", 4, 64, "Log", integer=True),
                    Range("init_scale", 0.03, 10, "Log"),
                    Choice("activation", ("relu", "tanh", "silu")),
                )
            ),
            _mlp,
            infeasible=True,
            says="momentum SGD of a network of digits (real data)",
        ),
        Problem(
            "optimizers-digits",
            Space(
                (
                    Choice("optimizer", ("sgd", "momentum", "adam")),
                    Range(LEARNING_RATE, 1e-4, 30, "Log"),
                    Range("weight_decay", 1e-5, 1, "Log"),
                    Range("momentum", 0.1, 0.99, "ReverseLog", when={"optimizer": ("momentum", "adam")}),
                    Range("beta2", 0.5, 0.9999, "ReverseLog", when={"optimizer": ("adam",)}),
                )
            ),
            _optimizers,
            infeasible=True,
            says="three optimizers of a network of digits (real data), momentum and beta2 conditional on the optimizer",
        ),
        Problem(
            "noisy-quadratic",
            Space(
                (
                    Range(LEARNING_RATE, 1e-2, 30, "Log"),
                    momentum,
                    Range("batch_size", 1, 256, "Log", integer=True),
                    Range("warmup_fraction", 0, 0.5),
                    Range("constant_fraction", 0, 1),
                    Range("end_factor", 1e-3, 1, "Log"),
                    Range("averaging", 0, 0.99, "ReverseLog"),
                    Range("preconditioning", 0, 1),
                )
            ),
            _noisy_quadratic,
            infeasible=True,
            says="expected loss of a schedule on a noisy quadratic",
        ),
    ]
