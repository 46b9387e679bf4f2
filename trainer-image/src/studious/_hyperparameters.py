"""The point of a trial: its active hyperparameters, with typed access."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from studious._errors import StudiousError

Value: TypeAlias = bool | int | float | str


class Hyperparameters(Mapping[str, Value]):
    """A read-only mapping from name to value.

    Inactive conditional hyperparameters are absent, not null. The typed
    readers take a default for hyperparameters that a study may leave out.
    Every reader takes a name, or the alias that the study gives it.
    """

    def __init__(
        self, values: Mapping[str, Value], file: Path, aliases: Mapping[str, str] | None = None
    ) -> None:
        """Hold the values by name; ``aliases`` holds what the program calls some, by name."""
        self._values = dict(values)
        self._file = file
        self._aliases = dict(aliases or {})
        self._names = {alias: name for name, alias in self._aliases.items()}

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[self._name(name)]
        except KeyError:
            raise KeyError(self._missing(name)) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._name(name) in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Hyperparameters({self._values!r})"

    @property
    def arguments(self) -> dict[str, Value]:
        """The values by what the program calls them: the alias where there is one, or the name.

        For programs that take any argument, such as Hydra's:
        ``[f"{name}={value}" for name, value in trial.hyperparameters.arguments.items()]``.
        """
        return {self._aliases.get(name, name): value for name, value in self._values.items()}

    def number(self, name: str, default: float | None = None) -> float:
        """Read a number; an integer is one too."""
        value = self._read(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, value, "a number")
        return float(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """Read an integer (``128`` or ``128.0``)."""
        value = self._read(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, value, "an integer (add `integer: true` to its range)")
        return value

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """Read a string that is one of ``choices``."""
        value = self._read(name, default)
        if not isinstance(value, str) or value not in choices:
            raise self._wrong(name, value, f"one of {', '.join(choices)}")
        return value

    def only(self, known: Collection[str]) -> None:
        """Refuse hyperparameters the trainer does not know.

        A name that is silently ignored makes a study that varies nothing.
        """
        unknown = sorted(
            name
            for name in self._values
            if name not in known and self._aliases.get(name) not in known
        )
        if unknown:
            raise StudiousError(
                f"{self._file}: this trainer does not know the hyperparameter(s) "
                f"{', '.join(unknown)}; it knows {', '.join(sorted(known))}. "
                "Correct the name in the study's spec.hyperparameters, or remove it"
            )

    def _read(self, name: str, default: Value | None) -> Value:
        if name in self:
            return self[name]
        if default is None:
            raise StudiousError(self._missing(name))
        return default

    def _name(self, word: str) -> str:
        return word if word in self._values else self._names.get(word, word)

    def _missing(self, name: str) -> str:
        known = ", ".join(sorted(self._values)) or "none"
        return (
            f"{self._file}: hyperparameters.{name} is missing (present: {known}). "
            "Add it to the study's spec.hyperparameters, or check its `when` condition"
        )

    def _wrong(self, name: str, value: Value, expected: str) -> StudiousError:
        return StudiousError(
            f"{self._file}: hyperparameters.{name} must be {expected}; found {value!r}. "
            "Correct its range or values in the study"
        )
