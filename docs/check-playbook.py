#!/usr/bin/env python3
"""Checks docs/playbook.md: every requirement once, and every place that a row names exists.

A place is `path` or `path#text`, where `text` stands in the file. Run by `make test-fast`.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "playbook.md"
IDS = [f"R-{number:03d}" for number in range(1, 186)]
STATES = {"done", "partly", "open"}


def problems(page: str) -> list[str]:
    """Everything that is wrong with the page."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for line_number, line in enumerate(page.splitlines(), 1):
        if not line.startswith("| R-"):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 5:
            found.append(f"line {line_number}: {len(cells)} cells, not 5")
            continue
        identifier, _, state, code, shown = cells
        if identifier in seen:
            found.append(f"line {line_number}: {identifier} stands on line {seen[identifier]} already")
        seen[identifier] = line_number
        if state not in STATES:
            found.append(f"line {line_number}: {identifier}: unknown state {state!r}; expected one of {sorted(STATES)}")
        places = re.findall(r"`([^`]+)`", f"{code} {shown}")
        if state == "done" and not (re.search(r"`", code) and re.search(r"`", shown)):
            found.append(f"line {line_number}: {identifier}: done, but code or what shows it is not named")
        for place in places:
            path, _, text = place.partition("#")
            target = ROOT / path
            if not target.exists():
                found.append(f"line {line_number}: {identifier}: {path} does not exist")
            elif text and (not target.is_file() or text not in target.read_text(encoding="utf-8")):
                found.append(f"line {line_number}: {identifier}: {text!r} does not stand in {path}")
    found += [f"{identifier} is missing" for identifier in IDS if identifier not in seen]
    found += [f"{identifier} is no requirement" for identifier in seen if identifier not in IDS]
    return found


if __name__ == "__main__":
    wrong = problems(PAGE.read_text(encoding="utf-8"))
    for problem in wrong:
        print(f"docs/playbook.md: {problem}", file=sys.stderr)
    sys.exit(bool(wrong))
