"""How evenly quasi-random points are spread: centred L2 discrepancy beside scipy's scrambled Halton."""

from __future__ import annotations

import json
import statistics

import numpy as np
from scipy.stats import qmc

from search_bench.methods.studious import sample
from search_bench.runs import RESULTS
from search_bench.space import Range, Space

FILE = RESULTS / "discrepancy.json"
SIZES = (16, 32, 64, 128, 256)


def measure(dimensions: list[int], seeds: int) -> None:
    """The ratio of the medians over seeds, Studious' to scipy's, for each number of dimensions and of points."""
    kept: dict[str, dict[str, float]] = {}
    for d in dimensions:
        space = Space(tuple(Range(f"x{i}", 0, 1) for i in range(d)))
        ours: dict[int, list[float]] = {n: [] for n in SIZES}
        theirs: dict[int, list[float]] = {n: [] for n in SIZES}
        for seed in range(seeds):
            points = sample(space, seed, max(SIZES))
            cube = np.array([[float(p[f"x{i}"]) for i in range(d)] for p in points])
            halton = qmc.Halton(d, scramble=True, rng=np.random.default_rng(seed)).random(max(SIZES))
            for n in SIZES:
                ours[n].append(float(qmc.discrepancy(cube[:n], method="CD")))
                theirs[n].append(float(qmc.discrepancy(halton[:n], method="CD")))
        kept[str(d)] = {str(n): round(statistics.median(ours[n]) / statistics.median(theirs[n]), 4) for n in SIZES}
        print(d, kept[str(d)], flush=True)
        FILE.write_text(json.dumps(kept, indent=1) + "\n")
