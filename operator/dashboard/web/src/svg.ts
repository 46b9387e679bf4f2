// Draws a plot without a browser: run by the command's own small JavaScript engine, which has no page, no canvas and no
// timers. `studiousDraw` takes a Vega-Lite specification, a theme and a width, and gives the SVG.
import { View, parse } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type Config, type TopLevelSpec } from "vega-lite";
import { textMetrics } from "vega-scenegraph";

/** What the engine is given by its host. */
declare global {
  /** The width of a text in pixels at a size, in the font that it is drawn with. */
  // eslint-disable-next-line no-var
  var studiousMeasure: (text: string, size: number) => number;
  // eslint-disable-next-line no-var
  var studiousDraw: (specification: string, theme: string, width: number) => Promise<string>;
}

interface Theme {
  background: string;
  foreground: string;
}

const themes: Record<string, Theme> = {
  light: { background: "#ffffff", foreground: "#1f2328" },
  dark: { background: "#0d1117", foreground: "#e6edf3" },
};

const font = "DejaVu Sans";

/** Vega guesses widths where there is no canvas; the host has the font itself. */
textMetrics.width = (item: { fontSize?: number }, text: unknown): number => {
  const line = Array.isArray(text) ? text.map(String).sort((a, b) => b.length - a.length)[0] ?? "" : String(text ?? "");
  return globalThis.studiousMeasure(line, item.fontSize ?? 11);
};

function config(theme: Theme): Config {
  const colour = theme.foreground;
  return {
    background: theme.background,
    font,
    padding: 12,
    view: { stroke: null },
    axis: {
      domainColor: colour, domainOpacity: 0.5, gridColor: colour, gridOpacity: 0.12, tickColor: colour, tickOpacity: 0.5,
      labelColor: colour, titleColor: colour, labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal", titlePadding: 8,
    },
    legend: {
      labelColor: colour, titleColor: colour, labelFontSize: 11, titleFontSize: 11, titleFontWeight: "normal",
      symbolStrokeWidth: 2, labelLimit: 440,
    },
    title: {
      color: colour, subtitleColor: colour, anchor: "start", frame: "group", fontSize: 14, fontWeight: "normal",
      subtitleFontSize: 11, subtitlePadding: 4, offset: 12,
    },
    text: { color: colour },
  };
}

globalThis.studiousDraw = async (specification, theme, width) => {
  const given = JSON.parse(specification) as TopLevelSpec;
  const chosen = themes[theme] ?? themes["light"];
  if (chosen === undefined) throw new Error(`unknown theme ${theme}`);
  // A page's place has a size; a file grows with its titles and legends, and what is drawn keeps its own.
  const { spec } = compile({ ...given, width, autosize: { type: "pad" } } as TopLevelSpec, { config: config(chosen) });
  // Expressions are interpreted: nothing is compiled at run time, here as on the dashboard's pages.
  const view = new View(parse(spec, undefined, { ast: true }), { renderer: "none", expr: expressionInterpreter });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
};
