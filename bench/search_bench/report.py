"""Writes the tables into docs/search.md, between its two markers, and draws the plots."""

from __future__ import annotations

import json
import math
import textwrap
from pathlib import Path

from search_bench import discrepancy, runs, timing
from search_bench.methods import METHODS
from search_bench.problems import PROBLEMS
from search_bench.summary import FLOOR, REFERENCE, Results, Row, rows, with_best_variants

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search.md"
BEGIN, END = "<!-- make bench-search writes from here -->", "<!-- to here -->"
ORDER = ("studious", "vizier", "gp", "tpe", "quasirandom", "halton", "random")


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _interval(row: Row) -> str:
    return f" ({_number(row.low)}–{_number(row.high)})" if row.seeds > 1 else ""


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"


def _table(made: list[Row]) -> str:
    lines = [
        "| method | seeds | all (90 % interval) | feasible | infeasible | mean rank | infeasible suggestions | no worse than Vizier |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for r in sorted(made, key=lambda r: r.rank):
        label = METHODS[r.method].label
        beside = "" if r.method == "vizier" else _share(r.not_worse_than_peer)
        lines.append(
            f"| {label} | {r.seeds} | {_number(r.all)}{_interval(r)} | {_number(r.feasible)} "
            f"| {_number(r.infeasible)} | {r.rank:.2f} | {_share(r.infeasible_share)} | {beside} |"
        )
    return "\n".join(lines)


def _set(problems: list[str]) -> str:
    edge = sum(PROBLEMS[p].infeasible for p in problems)
    ones = "problem" if len(problems) == 1 else "problems"
    return f"{len(problems)} {ones}, {edge} with an infeasible region"


def _comparisons(results: Results, batch: int) -> list[str]:
    parts = []
    have = {m: results.have(m, batch) for m in ORDER}
    full = complete(results, batch)
    if full:
        parts.append(f"{_set(list(PROBLEMS))}.\n\n{_table(rows(results, full, list(PROBLEMS), batch))}")
    for m in ORDER:
        if m in full or not have[m]:
            continue
        # Only what both sides ran: the same problems, seeds and initial points.
        seeds = set.intersection(*(set(results.of(m, p, batch)) for p in have[m]))
        parts.append(
            f"{METHODS[m].label} has not been run as often yet. Beside it on the same problems and seeds ({_set(have[m])}):\n\n"
            f"{_table(rows(results.only(seeds), [*full, m], have[m], batch))}"
        )
    missing = [METHODS[m].label for m in ORDER if not have[m]]
    if missing:
        parts.append(f"Not run yet: {', '.join(missing)}.")
    return parts


def complete(results: Results, batch: int) -> list[str]:
    """Methods that ran on all problems with as many seeds as the reference."""
    seeds = min((len(results.of(REFERENCE, p, batch)) for p in PROBLEMS), default=0)
    return [m for m in ORDER if seeds and len(results.have(m, batch, seeds)) == len(PROBLEMS)]


def _losses(results: Results) -> str:
    said = []
    for batch in (1, 5):
        for m in ORDER:
            better = []
            for p in results.have(m, batch) if m != "studious" else []:
                seeds = set(results.of("studious", p, batch)) & set(results.of(m, p, batch))
                ratios = [results.ratio(x, p, batch, seeds) for x in (m, "studious")] if seeds else [0.0, 0.0]
                if ratios[0] < ratios[1] * (1 - 1e-9):
                    better.append(p)
            if better:
                said.append(
                    f"- batch {batch}: {METHODS[m].label} has the smaller median regret on {', '.join(better)}."
                )
    return "\n".join(said) if said else "- nowhere in these runs."


def _times() -> str:
    if not timing.FILE.exists():
        return ""
    kept = json.loads(timing.FILE.read_text())
    counts = sorted({c for m in kept if m != "machine" for c in kept[m]}, key=int)
    lines = [
        "| method | " + " | ".join(f"after {c} trials" for c in counts) + " |",
        "|---|" + "--:|" * len(counts),
    ]
    for m in ORDER:
        if m in kept:
            cells = [f"{kept[m][c]:.3g} s" if c in kept[m] else "-" for c in counts]
            lines.append(f"| {METHODS[m].label} | " + " | ".join(cells) + " |")
    return (
        "### Time of one suggestion\n\nProcessor time (all threads; median) of one suggestion in eight dimensions, "
        f"pinned to one core ({kept['machine']}). Studious' counts a whole new process, which reads all trials from a "
        "file; the others stay in one process, and what they load and compile at first isn't counted. Times of a busy machine are "
        "too long for all alike: compare them with each other.\n\n" + "\n".join(lines)
    )


def _discrepancy() -> str:
    if not discrepancy.FILE.exists():
        return ""
    kept = json.loads(discrepancy.FILE.read_text())
    cells = [(kept[d][n], int(d), int(n)) for d in kept for n in kept[d]]
    worst = max(cells)
    even = sum(c[0] <= 1 for c in cells)
    return (
        "### Discrepancy of quasi-random points\n\nCentred L2 discrepancy (scipy's own function for it) of what `studious sample` "
        "prints, as a ratio to scipy's scrambled Halton sequence, medians over 20 seeds, for 1 to 20 dimensions and "
        f"{', '.join(str(n) for n in discrepancy.SIZES)} points: at most 1 in {even} of {len(cells)} combinations; the largest is "
        f"{worst[0]:.3f}, of {worst[2]} points in {worst[1]} dimension{'s' if worst[1] > 1 else ''} "
        "([all of them](../bench/results/discrepancy.json))."
    )


def _problems() -> str:
    lines = ["| problem | dimensions | infeasible region | what |", "|---|--:|---|---|"]
    lines += [
        f"| {p.name} | {p.space.dimensions} | {'yes' if p.infeasible else ''} | {p.says} |" for p in PROBLEMS.values()
    ]
    return "### The problems\n\n" + "\n".join(lines)


def _counts() -> dict[str, int]:
    kept = runs.load()
    return {m: sum(k[0] == m for k in kept) for m in ORDER if any(k[0] == m for k in kept)}


def text() -> str:
    """The measured part of the page."""
    merged, told = with_best_variants(runs.load())
    results = Results(merged)
    parts = [
        f"Regret is the distance of the best value found to the best known, after 70 trials: 10 quasi-random points which "
        f"all share, then 60 suggestions. Every figure is a geometric mean over problems of the median over seeds, as a "
        f"ratio to 70 quasi-random points of Studious: 1 is as good as those, 0.1 is ten times closer to the optimum. "
        f"Regrets below {FLOOR:g} of a typical point's count as that. The interval draws the seeds again (bootstrap); with "
        f"one seed there is none to draw. Runs: "
        + ", ".join(f"{METHODS[m].label} {n}" for m, n in _counts().items())
        + "."
    ]
    for batch, title in ((1, "One trial at a time"), (5, "Five trials at a time")):
        found = _comparisons(results, batch)
        if found:
            parts.append(f"### {title}\n\n" + "\n\n".join(found))
            parts.append(
                f"![Regret against trials, batches of {batch}](images/search-regret-batch-{batch}.svg)\n\n"
                f"![Regret by problem, batches of {batch}](images/search-problems-batch-{batch}.svg)"
            )
    if told:
        ways = [
            f"{METHODS[base].label} (batch {batch}): {METHODS[name].infeasible_as}"
            for (base, batch), name in told.items()
        ]
        parts.append(
            "A peer that can handle infeasible points in several ways is shown with the way that did best here. "
            + "; ".join(sorted(ways))
            + "."
        )
    parts.append("### Where a peer wins\n\n" + _losses(results))
    parts.extend(p for p in (_times(), _discrepancy(), _problems()) if p)
    if results.beaten:
        parts.append(
            "A run found a better value than the long search behind `optima.json` on "
            + ", ".join(results.beaten)
            + "; its value is the one that regrets are measured from."
        )
    blocks = "\n\n".join(parts).split("\n\n")
    prose = [b if b.startswith(("|", "#", "!", "-")) else textwrap.fill(b, 124, break_on_hyphens=False) for b in blocks]
    return "\n\n".join(prose)


def write() -> None:
    """Write the page's part and the plots."""
    page = PAGE.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"{PAGE}: needs the lines '{BEGIN}' and '{END}' once each")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text()}\n\n{END}{after}")
    from search_bench import plots

    results = Results(with_best_variants(runs.load())[0])
    for batch in (1, 5):
        have = {m: results.have(m, batch) for m in ORDER}
        shown = [m for m in ORDER if len(have[m]) == len(PROBLEMS)]
        if shown:
            plots.regret(results, shown, list(PROBLEMS), batch)
            plots.by_problem(results, [m for m in ORDER if have[m]], list(PROBLEMS), batch)
