"""Plots that draw themselves in Jupyter."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from studious._errors import StudiousError
from studious.notebook._source import Json, Source, Theme

VEGALITE = "application/vnd.vegalite.v6+json"
"""The MIME type of specifications: they are Vega-Lite 6."""
_WIDTH = 640


class Plot:
    """One plot: a Vega-Lite specification with its data inside."""

    def __init__(self, source: Source, plot_id: str, title: str, subtitle: str) -> None:
        self._source = source
        self.id = plot_id
        """Stable name, such as ``axis-learning_rate``."""
        self.title = title
        """What is seen."""
        self.subtitle = subtitle
        """What it is drawn from."""

    @property
    def specification(self) -> Json:
        """The Vega-Lite 6 specification."""
        return self._source.specification(self.id)

    def svg(self, theme: Theme = "light", width: int = _WIDTH) -> str:
        """Draw it as SVG. The studious command draws; nothing is fetched."""
        return self._image("svg", theme, width).decode()

    def png(self, theme: Theme = "light", width: int = _WIDTH) -> bytes:
        """Draw it as PNG, with two pixels for each of ``width``."""
        return self._image("png", theme, width)

    def save(self, path: str | Path, theme: Theme = "light", width: int = _WIDTH) -> Path:
        """Draw it into a file that ends in .svg or .png."""
        path = Path(path)
        match path.suffix.lower():
            case ".svg":
                path.write_text(self.svg(theme, width), encoding="utf-8")
            case ".png":
                path.write_bytes(self.png(theme, width))
            case other:
                raise StudiousError(f"{path}: must end in .svg or .png, not {other or 'nothing'}")
        return path

    def _image(self, kind: str, theme: Theme, width: int) -> bytes:
        drawn = self._source.image(self.id, "svg" if kind == "svg" else "png", theme, width)
        if drawn is None:
            raise StudiousError(
                f"{self.id}: drawing files takes the studious command. Put it on the path, or give "
                "its file in STUDIOUS_BINARY; the specification is there without it"
            )
        return drawn

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[Json, Json]:
        """Vega-Lite for front ends that draw it, a PNG for all others, and its title."""
        del include, exclude
        data: Json = {VEGALITE: self.specification, "text/plain": f"{self.title} ({self.subtitle})"}
        metadata: Json = {}
        png = self._source.image(self.id, "png", "light", _WIDTH)
        if png is None:
            data["text/html"] = (
                f"<p><strong>{escape(self.title)}</strong><br>{escape(self.subtitle)}<br><em>This "
                "front end doesn't draw Vega-Lite 6. With the studious command on the path there "
                "is a PNG in its place.</em></p>"
            )
        else:
            data["image/png"] = base64.b64encode(png).decode()
            # Width and height stand in the first chunk; the plot has two pixels for each.
            width, height = struct.unpack(">II", png[16:24])
            metadata["image/png"] = {"width": width // 2, "height": height // 2}
        return data, metadata

    def __repr__(self) -> str:
        return f"Plot({self.id!r}: {self.title})"


class Plots(Mapping[str, Plot]):
    """The plots of a study by name, in the order in which they are read."""

    def __init__(self, plots: list[Plot]) -> None:
        self._plots = {plot.id: plot for plot in plots}

    def __getitem__(self, name: str) -> Plot:
        if name not in self._plots:
            known = ", ".join(self._plots) or "none: no trial has ended yet"
            raise KeyError(f"this study has no plot {name}. There are: {known}")
        return self._plots[name]

    def __contains__(self, name: object) -> bool:
        return name in self._plots

    def __iter__(self) -> Iterator[str]:
        return iter(self._plots)

    def __len__(self) -> int:
        return len(self._plots)

    def __repr__(self) -> str:
        return f"Plots({list(self._plots)})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align: left'><code>{escape(plot.id)}</code></td>"
            f"<td style='text-align: left'>{escape(plot.title)}</td></tr>"
            for plot in self._plots.values()
        )
        return f"<table><tbody>{rows}</tbody></table>"
