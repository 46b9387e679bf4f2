#!/usr/bin/env python3
"""Checks that the playbook is credited wherever its guidance is shown, as its licence (CC BY 4.0, section 3) asks.

Each place must name the creators, the title, the licence with its address, that there is no warranty where it is said at
length, that the material was changed, and that no one endorses what was made of it. None of the playbook's own images
may be among the files. Run by `make test-fast`; the pages that the dashboard serves are looked at by its own tests.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CREATORS = ["Godbole", "Dahl", "Gilmer", "Shallue", "Nado"]
SOURCE = ["Deep Learning Tuning Playbook", "2023", "github.com/google/tuning_playbook"]
LICENCE = [r"CC\s+BY\s+4\.0", r"creativecommons\.org/licenses/by/4\.0"]
SHORT = [*CREATORS, *SOURCE, LICENCE[0], r"adapted|changed", "endorse"]
LONG = [*SHORT, *LICENCE, r"warrant(y|ies)", "changed"]
PLACES: dict[str, list[str]] = {
    "docs/attribution.md": [*LONG, "Acknowledgments", "not an officially supported Google product|playbook is\nnot"],
    "docs/findings.md": SHORT,
    "README.md": [*CREATORS, r"CC\s+BY\s+4\.0", "changed", "endorsed", "docs/attribution.md"],
    "operator/dashboard/src/report/attribution.rs": LONG,
    "operator/dashboard/web/src/app/main.tsx": SHORT,
    "operator/playbook/src/findings/mod.rs": SHORT,
    "operator/studious/src/commands/about.rs": LONG,
}
# The names of its eleven images, without their endings.
IMAGES = {
    "axis_model_with_instability",
    "bad_search_space",
    "beneficial_effect_warmup",
    "good_search_space",
    "gradient_clipping",
    "have_we_sampled_enough",
    "instability_during_warmup",
    "isolation_plot",
    "loss_model_with_instability",
    "more_frequent_evals",
    "stride_instability",
}


def problems() -> list[str]:
    """What is missing, and what shouldn't be there."""
    found: list[str] = []
    for place, asked in PLACES.items():
        text = (ROOT / place).read_text(encoding="utf-8")
        found += [f"{place}: nothing says {words!r}" for words in asked if not re.search(words, text)]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    found += [
        f"{name}: has the name of one of the playbook's own images: none of them is shipped"
        for name in listed.stdout.split("\0")
        if Path(name).suffix in {".png", ".jpg", ".jpeg", ".svg", ".webp"} and Path(name).stem in IMAGES
    ]
    return found


if __name__ == "__main__":
    wrong = problems()
    for problem in wrong:
        print(problem, file=sys.stderr)
    sys.exit(bool(wrong))
