#!/usr/bin/env python3
"""Check the vocabulary of prose: no phrase of `PHRASES`, except on the lines of `ALLOWED`.

Read are Markdown pages, the chart, the dashboard's texts, and the string literals and comments of
Rust and Python outside tests; names in code are not. Each run first tests on samples that every
phrase is found where it should be. Run by `make lint`.
"""

import ast
import bisect
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
THIS = "docs/check-vocabulary.py"


class Phrase(NamedTuple):
    """What to refuse, what to write instead, and a sample in which it must be found.

    The pattern matches whole words in either case. A space in it matches any white space,
    line breaks included.
    """

    pattern: str
    instead: str
    sample: str


PHRASES = [
    Phrase(r"mend(s|ed|ing)?", "fix (a fault), change (a setting)", "Mend the image"),
    Phrase(
        r"luck|(un)?luck(y|ier|iest)",
        "noise, seed variance; p = 0.02",
        "no more than luck explains",
    ),
    Phrase(r"pictures?", "plot, image", "Pictures of a study"),
    Phrase(r"evenness", "discrepancy", "the evenness of points"),
    Phrase(r"happenings?", "event", "the latest happenings"),
    Phrase(r"fleets?", "backend (local, Kubernetes)", "on either fleet"),
    Phrase(r"under way", "running, in flight", "trials under way"),
    Phrase(
        r"who(m|so)?ever",
        "the caller, the user, the operator's administrator",
        "ask whoever runs it",
    ),
    Phrase(r"somebody|nobody", "the caller, another client, no client", "nobody reads it"),
    Phrase(r"want of (memory|room|space)", "out of memory", "killed for want of memory"),
    Phrase(
        r"(can't|cannot|can|could|couldn't|to) be had",
        "cannot be pulled (an image), is not available",
        "can't be had",
    ),
    Phrase(
        r"(is|are) none of"
        r"|(?<!there )is no (finite |whole )?(number|program|round|study|trial|metric|folder|file)",
        "unknown X; expected one of …, or: expected a number, got …",
        "`x` is no number",
    ),
    Phrase(
        r"(go|goes|going|gone|went) on( being)?",
        "continue, resume",
        "the old one goes on being used",
    ),
    Phrase(
        r"(speaks?|spoke|speaking) against",
        "contradicts, is evidence against",
        "what speaks against it",
    ),
    Phrase(r"(says?|said) of", "reports, shows", "what the operator says of a study"),
    Phrase(
        r"(is|are|was|were|be|been|being) told(?! apart| from)",
        "is reported, is shown, is given",
        "one mistake is told once",
    ),
    Phrase(
        r"(brings?|brought) (little|nothing|more|no)", "gains, helps", "features that bring nothing"
    ),
    Phrase(r"bent", "warped", "bent targets"),
    Phrase(r"remember(s|ed|ing)?", "cache, record, keep", "remembers verified tokens"),
    Phrase(r"announcements?", "notice", "an announcement to clients"),
    Phrase(r"quieter", "nodes that are preempted less often", "a quieter place"),
    Phrase(r"see (\w+ )?off", "wait for … to drain", "let the old one see agents off"),
]


class Allowed(NamedTuple):
    """A part of a line on which a phrase is right, and why."""

    path: str
    words: str
    reason: str


ALLOWED: list[Allowed] = []

# Written from the doc comments of Rust, which are read.
GENERATED = {"docs/study.md", "operator/dashboard/web/src/app/types.ts"}
GENERATED_FOLDERS = ("crds/generated/", "charts/studious/files/crds/", "docs/schemas/")
TEST_FOLDERS = {"tests", "test", "benches", "target", "node_modules"}
TEXTS = {".md", ".txt", ".yaml", ".yml", ".tpl", ".html", ".json"}
# JSON is data, but for the descriptions of the chart.
DATA = re.compile(r"(?!charts/).*\.json")

RUST = re.compile(
    r"""(?P<comment>//[^\n]*)
    |(?P<raw>\bb?r(?P<hashes>\#*)".*?"(?P=hashes))
    |(?P<string>"(?:\\.|[^"\\])*")
    |(?P<char>'(?:\\.[^'\n]*|[^'\\\n])')""",
    re.S | re.X,
)
SCRIPT = re.compile(
    r"""(?P<comment>//[^\n]*)
    |(?P<block>/\*.*?\*/)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<template>`(?:\\.|\$\{(?:[^`{}]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*`)
    |(?P<markup>(?<=[>}])(?!\s*(?:/[*/]|[a-z]+\s+[\w(]*\())[^<>{};=`"]+(?=[<{]))""",
    re.S | re.X,
)
TEST_MODULE = re.compile(
    r"^#\[cfg\(test\)\](?:\n#\[[^\n]*\])*\n(?:pub(?:\([^)]*\))? )?mod (\w+)( \{.*?^\}|;)",
    re.M | re.S,
)
# A literal that is a key, a path or a class rather than prose.
KEY = re.compile(r"""["'`]?[a-z0-9_./-]*["'`]?""")
# White space, and what begins a line of a comment, or ends one within a string.
SPACE = r"[\s\\#>]+"


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern: whole words, a space is any white space."""
    return re.compile(
        rf"(?<![\w{{`-])(?:{re.sub('(?<!there) ', lambda _: SPACE, pattern)})(?![\w-])", re.I
    )


PATTERNS = [compiled(phrase.pattern) for phrase in PHRASES]


class Passage(NamedTuple):
    """Prose that is read as one, and the number of its first line."""

    line: int
    text: str


def joined(comments: list[Passage]) -> Iterator[Passage]:
    """Join comments on lines that follow each other."""
    last: Passage | None = None
    for comment in comments:
        if last and last.line + last.text.count("\n") + 1 == comment.line:
            last = Passage(last.line, f"{last.text}\n{comment.text}")
            continue
        if last:
            yield last
        last = comment
    if last:
        yield last


def scanned(text: str, pattern: re.Pattern[str]) -> Iterator[Passage]:
    """Yield the literals and comments of Rust or TypeScript."""
    starts = [0, *(line_break.end() for line_break in re.finditer("\n", text))]
    comments: list[Passage] = []
    for match in pattern.finditer(text):
        line = bisect.bisect_right(starts, match.start())
        if match.lastgroup == "comment":
            comments.append(Passage(line, match[0].lstrip("/!")))
        elif not KEY.fullmatch(match[0]):
            yield Passage(line, match[0])
    yield from joined(comments)


def python(text: str) -> Iterator[Passage]:
    """Yield the literals and comments of Python."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and not KEY.fullmatch(node.value)
        ):
            yield Passage(node.lineno, node.value)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    yield from joined(
        [
            Passage(token.start[0], token.string.lstrip("#"))
            for token in tokens
            if token.type == tokenize.COMMENT
        ]
    )


def passages(name: str, text: str) -> Iterator[Passage]:
    """Yield the prose of a file."""
    match Path(name).suffix:
        case ".rs":
            yield from scanned(
                TEST_MODULE.sub(lambda module: "\n" * module[0].count("\n"), text), RUST
            )
        case ".ts" | ".tsx":
            yield from scanned(text, SCRIPT)
        case ".py":
            yield from python(text)
        case suffix if suffix in TEXTS:
            yield Passage(1, text)


def found(name: str, text: str) -> Iterator[tuple[int, str, Phrase]]:
    """Yield line, words and phrase of each hit in a file."""
    for passage in passages(name, text):
        for phrase, pattern in zip(PHRASES, PATTERNS, strict=True):
            for match in pattern.finditer(passage.text):
                line = passage.line + passage.text.count("\n", 0, match.start())
                yield line, re.sub(SPACE, " ", match[0]), phrase


def sources() -> dict[str, str]:
    """Read the files with prose: the text of each, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    texts: dict[str, str] = {}
    tests: set[Path] = set()
    for name in listed.stdout.split("\0"):
        path = Path(name)
        if (
            path.suffix not in {".rs", ".ts", ".tsx", ".py"} | TEXTS
            or DATA.fullmatch(name)
            or name == THIS
            or name in GENERATED
        ):
            continue
        if (
            TEST_FOLDERS & set(path.parts)
            or name.startswith(GENERATED_FOLDERS)
            or not (ROOT / path).exists()
        ):
            continue
        texts[name] = (ROOT / path).read_text(encoding="utf-8")
        if path.suffix == ".rs":
            home = path.parent if path.stem in ("lib", "main", "mod") else path.parent / path.stem
            for module in TEST_MODULE.finditer(texts[name]):
                tests |= {home / f"{module[1]}.rs", home / module[1]}
    return {
        name: text for name, text in texts.items() if not tests & {Path(name), *Path(name).parents}
    }


def self_test() -> None:
    """Check that phrases are found in prose of each kind, on their line, not in names or tests."""
    for phrase in PHRASES:
        hits = [hit[2] for hit in found("page.md", phrase.sample)]
        assert phrase in hits, f"{phrase.pattern} is not found in {phrase.sample!r}"
    samples = [
        ("a.md", "Trials under\nway.\n", 1),
        ("a.yaml", "a: 1\n# trials under\n# way\n", 2),
        ("a.rs", "let mend = 'm';\n/// Trials under\n/// way.\nfn f() {}\n", 2),
        ("a.rs", 'let mend = "trials under \\\n    way";\n', 1),
        ("a.rs", 'fn mend() {}\nlet a = r#"trials "under way""#;\n', 2),
        ("a.py", 'mend = 1\n"""Trials under way."""\n', 2),
        ("a.rs", 'let a = "mend"; // under way\n', 1),
        ("a.py", "mend = 1  # trials under way\n", 1),
        ("a.py", 'a = 1\nmend = f"trials {a} under way"\n', 2),
        ("a.tsx", "const mend = 1;\nconst a = <p>Trials under way</p>;\n", 2),
        ("a.tsx", "const a = `${b ? `x` : c}`;\nf(a.mend, mend); // under way\n", 2),
        ("a.tsx", "const mend = `\n${1} under way`;\n", 2),
    ]
    for name, text, line in samples:
        hits_at = [(at, words.lower()) for at, words, _ in found(name, text)]
        assert hits_at == [(line, "under way")], (text, hits_at)
    test = '#[cfg(test)]\nmod tests {\n    const A: &str = "under way";\n}\n'
    assert not list(found("a.rs", test)), test


def main() -> None:
    """Print each hit; exit 1 if there is any."""
    self_test()
    texts = sources()
    if len(texts) < 300:
        sys.exit(f"{THIS}: expected at least 300 files with prose, got {len(texts)}")
    problems: list[str] = []
    used: set[Allowed] = set()
    for name, text in texts.items():
        lines = text.splitlines()
        for line, words, phrase in found(name, text):
            allowed = [
                entry for entry in ALLOWED if entry.path == name and entry.words in lines[line - 1]
            ]
            used.update(allowed)
            if not allowed:
                problems.append(f"{name}:{line}: {words!r}: write instead: {phrase.instead}")
    problems += [
        f"{THIS}: ALLOWED: {entry.path}: no such line: {entry.words!r}"
        for entry in ALLOWED
        if entry not in used
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
