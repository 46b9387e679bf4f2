#!/usr/bin/env python3
"""Checks that the name of a type means one thing: at most `MOST_SHARED` are defined in more than one module.

Counted are structs, enums, traits, unions and type aliases of the workspace outside tests, and the kinds that kube's
derive makes. Run by `make lint`; with `--lines` it prints the lines of Rust outside tests as well.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_SHARED = 10
TEST_FOLDERS = {"tests", "benches", "examples", "target"}

# An associated type is indented; the few types inside of functions are structs and enums.
DEFINITION = re.compile(
    r"^(?:\s*(?:pub(?:\([^)]*\))?\s+)?(?:struct|enum|union|(?:unsafe\s+)?trait)|(?:pub(?:\([^)]*\))?\s+)?type)\s+([A-Z]\w*)"
)
KIND = re.compile(r'^\s*kind = "([A-Z]\w*)",')
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\](?:\n#\[[^\n]*\])*\n(?:pub(?:\([^)]*\))? )?mod (\w+)( \{.*?^\}|;)", re.M | re.S)


def sources() -> dict[Path, str]:
    """The text of each file outside tests, without its test modules."""
    found: dict[Path, str] = {}
    tests: set[Path] = set()
    for folder in ("crds", "operator"):
        for path in sorted((ROOT / folder).rglob("*.rs")):
            if TEST_FOLDERS & set(path.relative_to(ROOT).parts):
                continue
            text = path.read_text(encoding="utf-8")
            for module in TEST_MODULE.finditer(text):
                home = path.parent if path.stem in ("lib", "main", "mod") else path.parent / path.stem
                tests |= {home / f"{module[1]}.rs", home / module[1]}
            found[path] = TEST_MODULE.sub("", text)
    return {path: text for path, text in found.items() if not tests & {path, *path.parents}}


def definitions(texts: dict[Path, str]) -> dict[str, list[str]]:
    """Where each name is defined."""
    places: dict[str, list[str]] = {}
    for path, text in texts.items():
        for line in text.splitlines():
            if match := DEFINITION.match(line) or KIND.match(line):
                places.setdefault(match[1], []).append(str(path.relative_to(ROOT)))
    return places


def main() -> None:
    texts = sources()
    places = definitions(texts)
    if len(places) < 300:
        sys.exit(f"only {len(places)} types were found: docs/check-type-names.py does not read the workspace")
    if "--lines" in sys.argv:
        print(sum(1 for text in texts.values() for line in text.splitlines() if line.strip()), "lines outside tests")
    shared = {name: where for name, where in sorted(places.items()) if len(where) > 1}
    if len(shared) > MOST_SHARED:
        for name, where in shared.items():
            print(f"{name}: {', '.join(where)}", file=sys.stderr)
        sys.exit(f"{len(shared)} type names mean more than one thing, at most {MOST_SHARED} may: rename one of each pair")


if __name__ == "__main__":
    main()
