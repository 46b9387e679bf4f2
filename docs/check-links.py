#!/usr/bin/env python3
"""Check that every file which a page links to, or shows as an image, is there. Run by `make test-fast`."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    """Look at the relative links of all pages."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    pages = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    wrong, seen = [], 0
    for page in pages:
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:|#", link):
                continue
            seen += 1
            if not ((ROOT / page).parent / link.partition("#")[0]).exists():
                wrong.append(f"{page}: {link} is not there")
    if seen < 50:
        wrong.append(f"only {seen} links were found; have they another form now?")
    if wrong:
        sys.exit("\n".join(wrong))


main()
