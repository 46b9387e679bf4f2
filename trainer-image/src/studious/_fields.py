"""Read typed fields out of parsed JSON, with errors that name file and field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studious._errors import StudiousError


@dataclass(frozen=True)
class Fields:
    """A JSON object of a file, with the path of keys that led to it."""

    file: Path
    path: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, file: Path, value: object) -> Fields:
        """Wrap the top level of a file, which must be a JSON object."""
        if not isinstance(value, dict):
            raise StudiousError(
                f"{file}: expected one JSON object, found {_shown(value)}. "
                "Studious writes this file; do not edit it"
            )
        return cls(file, "", value)

    def at(self, name: str) -> str:
        """Full dotted name of a field, for messages."""
        return f"{self.path}.{name}" if self.path else name

    def error(self, name: str, expected: str, fix: str = "") -> StudiousError:
        """Build the error for a field that is missing or of the wrong kind."""
        found = f"found {_shown(self.values[name])}" if name in self.values else "it is missing"
        fix = fix or "Studious writes this file; when writing it by hand, see the trainer contract"
        return StudiousError(
            f"{self.file}: field `{self.at(name)}` must be {expected}; {found}. {fix}"
        )

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.values.get(name) is not None

    def object(self, name: str) -> Fields:
        """Read a nested JSON object."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self.error(name, "a JSON object")
        return Fields(self.file, self.at(name), value)

    def text(self, name: str) -> str:
        """Read a string that is not empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, "a string that is not empty")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Read a string that is one of ``choices``."""
        value = self.values.get(name)
        if value not in choices:
            raise self.error(name, f"one of {', '.join(choices)}")
        return str(value)

    def integer(self, name: str, least: int = 0) -> int:
        """Read an integer of at least ``least``."""
        value = self.values.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(name, f"an integer of at least {least}")
        return value

    def number(self, name: str) -> float:
        """Read a finite number."""
        value = self.values.get(name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise self.error(name, "a finite number")
        return float(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
