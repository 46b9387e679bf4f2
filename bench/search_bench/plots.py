"""Plots of the comparison, as SVG."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from search_bench.methods import METHODS
from search_bench.problems import PROBLEMS
from search_bench.runs import INITIAL, TRIALS
from search_bench.summary import Results, curves

mpl.use("Agg")
import matplotlib.pyplot as plt

mpl.rcParams["svg.fonttype"] = "none"  # text stays text: small files that can be searched

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"

# Okabe and Ito's colours, which colour-blind readers tell apart; lines and markers differ as well.
STYLES: dict[str, tuple[str, str, str]] = {
    "studious": ("#D55E00", "-", "o"),
    "vizier": ("#0072B2", "--", "s"),
    "gp": ("#009E73", "-.", "^"),
    "tpe": ("#CC79A7", (0, (3, 1, 1, 1, 1, 1)), "D"),  # type: ignore[dict-item]
    "quasirandom": ("#000000", ":", "v"),
    "halton": ("#999999", (0, (5, 3)), "<"),  # type: ignore[dict-item]
    "random": ("#56B4E9", (0, (1, 1)), ">"),  # type: ignore[dict-item]
}


def _save(figure: plt.Figure, name: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    # No date and a fixed salt: the same figures give the same file.
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    plt.close(figure)


def regret(results: Results, methods: list[str], problems: list[str], batch: int) -> None:
    """Regret against trials; the band spans the seeds."""
    sets = {
        "All problems": problems,
        "Without an infeasible region": [p for p in problems if not PROBLEMS[p].infeasible],
        "With an unknown infeasible region": [p for p in problems if PROBLEMS[p].infeasible],
    }
    sets = {title: chosen for title, chosen in sets.items() if chosen}
    figure, axes = plt.subplots(1, len(sets), figsize=(4.3 * len(sets), 3.7), sharey=True, squeeze=False)
    trials = np.arange(1, INITIAL + TRIALS + 1)
    for axis, (title, chosen) in zip(axes[0], sets.items(), strict=True):
        for m in methods:
            lines = curves(results, m, chosen, batch)
            if not len(lines):
                continue
            colour, dashes, marker = STYLES[m]
            middle = np.exp(np.mean(np.log(lines), axis=0))
            label = f"{METHODS[m].label} ({len(lines)} seed{'s' if len(lines) > 1 else ''})"
            axis.plot(
                trials, middle, color=colour, linestyle=dashes, marker=marker, markevery=10, markersize=4, label=label
            )
            if len(lines) > 1:
                axis.fill_between(trials, lines.min(axis=0), lines.max(axis=0), color=colour, alpha=0.12, linewidth=0)
        axis.axvline(INITIAL, color="#999999", linewidth=0.8)
        axis.set_yscale("log")
        axis.set_title(f"{title} ({len(chosen)})", fontsize=10)
        axis.set_xlabel("trials")
        axis.grid(alpha=0.25, which="major")
    axes[0][0].set_ylabel("regret / quasi-random's after 70 trials")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=4, frameon=False, fontsize=9)
    _save(figure, f"search-regret-batch-{batch}")


def by_problem(results: Results, methods: list[str], problems: list[str], batch: int) -> None:
    """The final regret of every method on every problem."""
    shown = [m for m in methods if m not in ("halton", "random")]
    figure, axis = plt.subplots(figsize=(7.5, 0.36 * len(problems) + 1.2))
    order = sorted(problems, key=lambda p: (PROBLEMS[p].infeasible, p))
    for row, p in enumerate(order):
        for m in shown:
            if not results.of(m, p, batch):
                continue
            colour, _, marker = STYLES[m]
            axis.plot(
                results.ratio(m, p, batch),
                row,
                marker=marker,
                color=colour,
                linestyle="",
                markersize=7,
                alpha=0.85,
                label=METHODS[m].label if row == 0 else None,
            )
    names = [f"{p} *" if PROBLEMS[p].infeasible else p for p in order]
    axis.set_yticks(range(len(order)), names)
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.grid(alpha=0.25, axis="both")
    axis.set_xlabel("median regret after 70 trials / quasi-random's (smaller is better; * has an infeasible region)")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=3, frameon=False, fontsize=9)
    _save(figure, f"search-problems-batch-{batch}")
