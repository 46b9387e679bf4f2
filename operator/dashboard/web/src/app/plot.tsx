import { useEffect, useRef, useState } from "preact/hooks";
import type { Drawn } from "../plots";
import { ask } from "./api";

type Specification = Record<string, unknown>;

/** Plots with more data than this are drawn as pixels: so many elements make a page slow. */
const MOST_ELEMENTS = 1_500;

interface Properties {
  id: string;
  title: string;
  subtitle: string;
  /** The specification, or where it is. */
  source: Specification | string;
  /** Changes when the specification behind an address has changed. */
  version?: string;
}

/** A plot, drawn when it comes into view. */
export function Plot({ id, title, subtitle, source, version }: Properties) {
  const figure = useRef<HTMLElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const specification = useRef<Specification | undefined>(undefined);
  const [seen, setSeen] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [drawn, setDrawn] = useState(false);
  const dark = useDark();

  useEffect(() => {
    if (figure.current === null || seen) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
      },
      { rootMargin: "400px" },
    );
    observer.observe(figure.current);
    return () => observer.disconnect();
  }, [seen]);

  const key = typeof source === "string" ? `${source} ${version ?? ""}` : source;
  useEffect(() => {
    if (!seen) return;
    const ending = new AbortController();
    let plot: Drawn | undefined;
    const show = async (): Promise<void> => {
      try {
        const found = typeof source === "string" ? (await ask<Specification>(source, null, ending.signal))?.data : source;
        const { draw } = await import("../plots");
        if (ending.signal.aborted || place.current === null || found === undefined) return;
        specification.current = found;
        // Drawn aside and put in its place at once: a plot that is renewed doesn't flicker.
        const aside = document.createElement("div");
        aside.className = "drawing";
        aside.style.width = `${place.current.clientWidth}px`;
        place.current.append(aside);
        const renderer = marks(found) > MOST_ELEMENTS ? "canvas" : "svg";
        plot = await draw(aside, found as never, `${title}. ${subtitle}`, { renderer });
        if (ending.signal.aborted) {
          plot.remove();
          aside.remove();
          return;
        }
        for (const old of [...place.current.children]) if (old !== aside) old.remove();
        aside.style.width = "";
        aside.classList.remove("drawing");
        setProblem(undefined);
        setDrawn(true);
      } catch (error) {
        if (!ending.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      }
    };
    void show();
    return () => {
      ending.abort();
      plot?.remove();
    };
    // Pixels keep the colours they were drawn in.
  }, [seen, key, dark]);

  const save = async (format: "svg" | "png"): Promise<void> => {
    if (specification.current === undefined) return;
    const { saveImage } = await import("../save");
    await saveImage(specification.current as never, id, format);
  };
  return (
    <figure ref={figure} data-plot={id} data-drawn={drawn ? "yes" : "no"}>
      <figcaption>
        <strong>{title}</strong>
        <span>{subtitle}</span>
      </figcaption>
      <div class="plot" ref={place} aria-busy={!drawn && problem === undefined} />
      {problem !== undefined && <p class="calm">This plot can't be drawn: {problem}</p>}
      {drawn && (
        <p class="save">
          <button type="button" onClick={() => void save("svg")} aria-label={`Save as SVG: ${title}`}>
            SVG
          </button>
          <button type="button" onClick={() => void save("png")} aria-label={`Save as PNG: ${title}`}>
            PNG
          </button>
        </p>
      )}
    </figure>
  );
}

/** How many rows of data a specification holds. */
function marks(specification: unknown): number {
  if (Array.isArray(specification)) return specification.reduce<number>((sum, part) => sum + marks(part), 0);
  if (typeof specification !== "object" || specification === null) return 0;
  const values = (specification as { data?: { values?: unknown } }).data?.values;
  const own = Array.isArray(values) ? values.length : 0;
  return Object.entries(specification).reduce((sum, [name, part]) => (name === "data" ? sum : sum + marks(part)), own);
}

function useDark(): boolean {
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = (): void => setDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
