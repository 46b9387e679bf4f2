"""The command: `python -m search_bench run|time|discrepancy|optima|report`."""

from __future__ import annotations

import argparse
import os
import sys
import time

# One core each, for all: before any library starts its threads.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from search_bench import runs  # noqa: E402
from search_bench.methods import METHODS  # noqa: E402
from search_bench.problems import PROBLEMS  # noqa: E402


def _run(options: argparse.Namespace) -> None:
    have = runs.load()
    todo = [
        w
        for w in runs.wanted(options.methods, options.problems, options.batch, options.seeds)
        if (w[0].name, w[1].name, w[2], w[3]) not in have
    ]
    for number, (method, problem, batch, seed) in enumerate(todo, 1):
        if options.until and time.strftime("%H:%M", time.gmtime()) >= options.until:
            print(f"stopped at {options.until}: {len(todo) - number + 1} runs are left", flush=True)
            return
        run = runs.perform(method, problem, batch, seed)
        runs.keep(run)
        feasible = [v for v in run.values if v is not None]
        print(
            f"{number}/{len(todo)} {method.name} {problem.name} batch {batch} seed {seed}: "
            f"best {min(feasible, default=float('nan')):.6g}, {run.seconds:.1f} s",
            flush=True,
        )


def _time(options: argparse.Namespace) -> None:
    from search_bench import timing

    timing.measure(options.methods, options.earlier, options.repeats)


def _discrepancy(options: argparse.Namespace) -> None:
    from search_bench import discrepancy

    discrepancy.measure(options.dimensions, options.seeds)


def _optima(options: argparse.Namespace) -> None:
    from search_bench import optima

    optima.compute(options.problems, options.evaluations)


def _report(options: argparse.Namespace) -> None:
    from search_bench import report

    if options.print:
        print(report.text())
    else:
        report.write()


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="search_bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run what isn't in results/ yet")
    run.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME")
    run.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS), metavar="NAME")
    run.add_argument("--batch", nargs="+", type=int, default=[1, 5], metavar="N")
    run.add_argument("--seeds", type=int, default=5, help="how many (default 5)")
    run.add_argument("--until", metavar="HH:MM", help="begin no run after this time (UTC)")
    run.set_defaults(do=_run)
    pace = commands.add_parser("time", help="time a suggestion of each method on one core")
    pace.add_argument(
        "--methods", nargs="+", choices=METHODS, default=["studious", "vizier", "gp", "tpe"], metavar="NAME"
    )
    pace.add_argument("--earlier", nargs="+", type=int, default=[100, 500], metavar="N", help="trials before")
    pace.add_argument("--repeats", type=int, default=5)
    pace.set_defaults(do=_time)
    spread = commands.add_parser("discrepancy", help="compare the discrepancy of quasi-random points with scipy's")
    spread.add_argument("--dimensions", nargs="+", type=int, default=list(range(1, 21)), metavar="D")
    spread.add_argument("--seeds", type=int, default=20)
    spread.set_defaults(do=_discrepancy)
    best = commands.add_parser("optima", help="search long for the best value of each problem")
    best.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS), metavar="NAME")
    best.add_argument("--evaluations", type=int, default=20_000)
    best.set_defaults(do=_optima)
    page = commands.add_parser("report", help="write the tables of docs/search.md and its plots")
    page.add_argument("--print", action="store_true", help="print the tables, and write nothing")
    page.set_defaults(do=_report)
    options = parser.parse_args()
    options.do(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
