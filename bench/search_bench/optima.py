"""The best value of each problem: by mathematics where it is known, else by a search a hundred times longer than a run."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import differential_evolution, minimize

from search_bench.problems import PROBLEMS, Problem
from search_bench.space import Choice, Point

FILE = Path(__file__).resolve().parents[1] / "optima.json"


def _points(problem: Problem) -> list[Callable[[np.ndarray], Point]]:
    """A map from a cube without the choices to points, for every combination of choices."""
    parameters = problem.space.parameters
    places = [i for i, p in enumerate(parameters) if isinstance(p, Choice)]
    others = [i for i in range(len(parameters)) if i not in places]
    maps: list[Callable[[np.ndarray], Point]] = []
    for choice in itertools.product(*(range(len(parameters[i].values)) for i in places)):  # type: ignore[union-attr]

        def point(x: np.ndarray, choice: tuple[int, ...] = choice) -> Point:
            units = np.zeros(len(parameters))
            units[others] = np.clip(x, 0, 1)
            for i, k in zip(places, choice, strict=True):
                units[i] = (k + 0.5) / len(parameters[i].values)  # type: ignore[union-attr]
            return problem.space.point(units.tolist())

        maps.append(point)
    return maps


def search(problem: Problem, evaluations: int, say: Callable[[str], None]) -> dict[str, object]:
    """Differential evolution for each combination of choices, then Nelder-Mead from the best of each, twice."""
    used = 0
    best: tuple[float, Point] = (float("inf"), {})
    maps = _points(problem)
    dimensions = problem.space.dimensions - sum(isinstance(p, Choice) for p in problem.space.parameters)

    def measured(x: np.ndarray, point: Callable[[np.ndarray], Point]) -> float:
        nonlocal used, best
        used += 1
        at = point(x)
        value = problem.evaluate(at)
        if value is None:
            return 1e6
        if value < best[0]:
            best = (value, at)
        return value

    for point in maps:
        population = 10
        generations = max(evaluations // len(maps) // (population * dimensions) - 1, 5)
        found = differential_evolution(
            measured,
            [(0.0, 1.0)] * dimensions,
            args=(point,),
            popsize=population,
            maxiter=generations,
            tol=1e-10,
            polish=False,
            rng=np.random.default_rng(1),
        )
        for _ in range(2):
            found = minimize(
                measured,
                found.x,
                args=(point,),
                method="Nelder-Mead",
                bounds=[(0.0, 1.0)] * dimensions,
                options={"maxfev": evaluations // len(maps) // 8, "xatol": 1e-9, "fatol": 1e-12},
            )
    say(f"{problem.name}: {best[0]:.9g} in {used} evaluations")
    return {"value": best[0], "point": best[1], "evaluations": used}


def compute(names: list[str], evaluations: int) -> None:
    """Search again, and keep what is better than before."""
    kept = load()
    for name in names:
        problem = PROBLEMS[name]
        if problem.known is not None:
            continue
        found = search(problem, evaluations, lambda line: print(line, flush=True))
        if name not in kept or float(str(found["value"])) < float(str(kept[name]["value"])):
            kept[name] = found
        FILE.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


def load() -> dict[str, dict[str, object]]:
    """What was found."""
    return dict(json.loads(FILE.read_text())) if FILE.exists() else {}


def optimum(problem: Problem) -> float:
    """The best value that is known of a problem."""
    if problem.known is not None:
        return problem.known
    return float(str(load()[problem.name]["value"]))
