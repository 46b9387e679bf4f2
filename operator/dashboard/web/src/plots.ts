import embed, { type EmbedOptions, type VisualizationSpec } from "vega-embed";
import type { Config } from "vega-lite";

import { saveImage } from "./save";

/** Text and lines take the colour of the page, so that light, dark and print need no redrawing. */
const config: Config = {
  background: undefined,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  view: { stroke: null },
  axis: {
    domainColor: "currentColor",
    domainOpacity: 0.5,
    gridColor: "currentColor",
    gridOpacity: 0.12,
    tickColor: "currentColor",
    tickOpacity: 0.5,
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 500,
    titlePadding: 8,
  },
  legend: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 500,
    symbolStrokeWidth: 2,
    labelLimit: 220,
  },
  title: {
    color: "currentColor",
    subtitleColor: "currentColor",
    anchor: "start",
    fontSize: 14,
    fontWeight: 600,
    subtitleFontSize: 11,
    subtitlePadding: 4,
    offset: 12,
  },
  text: { color: "currentColor" },
};

export const options: EmbedOptions = {
  actions: false,
  // Styles stand in the page's own sheet: the dashboard's policy allows no others.
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
  // Expressions are interpreted, not compiled: the page forbids eval.
  ast: true,
  config,
  mode: "vega-lite",
  renderer: "svg",
};

/** A plot on the page. */
export interface Drawn {
  /** Takes it away. */
  remove: () => void;
}

/** Draws a plot; it follows the width of its place. */
export async function draw(
  target: HTMLElement,
  specification: VisualizationSpec,
  caption: string,
  more: EmbedOptions = {},
): Promise<Drawn> {
  // The page's own caption says it, and wraps.
  const { view, finalize } = await embed(
    target,
    { ...specification, title: undefined } as VisualizationSpec,
    { ...options, ...more },
  );
  describe(target, caption);
  const resize = new ResizeObserver(() => void view.resize().runAsync());
  resize.observe(target);
  return {
    remove: () => {
      resize.disconnect();
      finalize();
    },
  };
}

/** Draws every `<figure data-plot>` from the JSON beside it; a plot that can't be drawn says why in its place. */
export async function drawPlots(root: Document): Promise<void> {
  for (const figure of root.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    const target = figure.querySelector<HTMLElement>(".plot");
    const source = figure.querySelector("script[type='application/json']");
    if (target === null || source === null) continue;
    try {
      const specification = JSON.parse(source.textContent ?? "") as VisualizationSpec;
      await draw(target, specification, figure.querySelector("figcaption")?.textContent ?? "");
      for (const button of figure.querySelectorAll<HTMLButtonElement>("button[data-save]")) {
        const format = button.dataset["save"] === "png" ? "png" : "svg";
        button.addEventListener("click", () => {
          void saveImage(specification, figure.dataset["plot"] ?? "plot", format);
        });
      }
    } catch (error) {
      target.textContent = `This plot can't be drawn: ${error instanceof Error ? error.message : String(error)}`;
      console.error(error);
    }
  }
  root.documentElement.dataset["drawn"] = "yes";
}

/** To a screen reader a plot is its caption: thousands of marks would only be in the way. */
function describe(target: HTMLElement, caption: string): void {
  const canvas = target.querySelector("canvas");
  canvas?.setAttribute("role", "img");
  canvas?.setAttribute("aria-label", caption);
  const svg = target.querySelector("svg");
  if (svg === null) return;
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", caption);
  for (const part of svg.querySelectorAll("[aria-roledescription], [role], [aria-label]")) {
    part.removeAttribute("aria-roledescription");
    part.removeAttribute("role");
    part.removeAttribute("aria-label");
    part.removeAttribute("aria-hidden");
  }
}
