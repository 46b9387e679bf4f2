"""Measures how even scipy's scrambled Halton points are, for the test that compares ours with them.

    pip install scipy==1.17.1
    python3 scipy_halton.py > scipy_halton.json

For each number of dimensions from 1 to 20 the centred L2 discrepancy (squared, as scipy has it) of the first 16, 32, 64,
128 and 256 points: the medians over the seeds 0 to 19, and over 400 seeds, which hardly depend on the seeds.
"""

import json
import statistics
import sys

import scipy
from scipy.stats import qmc

SIZES = [16, 32, 64, 128, 256]
FEW = 20
MANY = 400


def discrepancies(dimensions: int, seed: int) -> list[float]:
    """Of the first points of one sequence."""
    points = qmc.Halton(dimensions, scramble=True, rng=seed).random(SIZES[-1])
    return [float(qmc.discrepancy(points[:size], method="CD")) for size in SIZES]


def medians(rows: list[list[float]]) -> list[float]:
    """Of each column."""
    return [float(f"{statistics.median(column):.6e}") for column in zip(*rows, strict=True)]


def main() -> None:
    """Prints the medians as JSON, a number of dimensions a line."""
    lines = []
    for dimensions in range(1, 21):
        rows = [discrepancies(dimensions, seed) for seed in range(MANY)]
        lines.append(json.dumps({"dimensions": dimensions, "few": medians(rows[:FEW]), "many": medians(rows)}))
        print(dimensions, file=sys.stderr)
    print(f'{{"scipy": "{scipy.__version__}", "sizes": {SIZES}, "medians": [\n' + ",\n".join(lines) + "\n]}")


if __name__ == "__main__":
    main()
