"""Where a study is read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Protocol

Json = dict[str, Any]
ImageFormat = Literal["svg", "png"]
Theme = Literal["light", "dark"]


class Source(Protocol):
    """A place that holds one study, its trials and what is concluded from them."""

    @property
    def where(self) -> str:
        """The place, in words."""

    def study(self) -> Json:
        """``name``, ``status`` in a sentence, and ``spec`` as it was given."""

    def conclusions(self) -> Json:
        """``checklist``, ``findings``, and ``plots`` by ``id``, ``title`` and ``subtitle``."""

    def specification(self, plot: str) -> Json:
        """Read the Vega-Lite specification of a plot, its data inside."""

    def records(self) -> Iterator[Json]:
        """Read trials with their curves, in the line format of ``studious export``."""

    def image(self, plot: str, kind: ImageFormat, theme: Theme, width: int) -> bytes | None:
        """Draw a plot as a file, or None where nothing here can draw."""

    def refresh(self) -> None:
        """Forget what was read."""
