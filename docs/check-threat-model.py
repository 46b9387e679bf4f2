#!/usr/bin/env python3
"""Check that every test which docs/threat-model.md and docs/reliability.md name exists."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ("docs/threat-model.md", "docs/reliability.md")


def main() -> None:
    """Compare the names in the pages with the functions of all tests."""
    files = subprocess.run(
        ["git", "ls-files", "*.rs", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    known = set()
    for file in files:
        known.update(re.findall(r"\b(?:fn|def) (\w+)", (ROOT / file).read_text()))
    wrong = []
    for page in PAGES:
        named = re.findall(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+){2,})`", (ROOT / page).read_text())
        # Series of Prometheus and fields of tables have names of this form, too.
        missing = {name for name in named if not name.startswith("studious_")} - known
        wrong += [f"{page}: there is no test {name}" for name in sorted(missing)]
        if len(named) < 10:
            wrong.append(f"{page}: names {len(named)} tests; have they another form now?")
    if wrong:
        sys.exit("\n".join(wrong))


main()
