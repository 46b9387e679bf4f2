import { useEffect, useRef, useState } from "preact/hooks";

/** A header of its own: the API server's service proxy keeps `Authorization` to itself. */
const TOKEN_HEADER = "Studious-Token";
const TOKEN_KEY = "studious-token";
const TIMEOUT = 35_000;

export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function token(): string | null {
  return sessionStorage.getItem(TOKEN_KEY);
}

/** Kept until the tab is closed, and by this tab alone. */
export function setToken(value: string | null): void {
  if (value === null) sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, value);
}

export interface Answer<T> {
  data: T;
  tag: string | null;
}

/** Asks the server; nothing when what is known (`tag`) is still so. */
export async function ask<T>(path: string, tag: string | null, signal: AbortSignal): Promise<Answer<T> | null> {
  const headers = new Headers({ Accept: "application/json" });
  const shown = token();
  if (shown !== null) headers.set(TOKEN_HEADER, shown);
  if (tag !== null) headers.set("If-None-Match", tag);
  const response = await fetch(path, {
    headers,
    // Tags are kept here: the browser's own cache would hide that nothing has changed.
    cache: "no-store",
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
  });
  if (response.status === 304) return null;
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refused(response.status, `the server's answer is not JSON: ${text.slice(0, 200)}`);
  }
  if (!response.ok) {
    const why = (body as { error?: unknown }).error;
    throw new Refused(response.status, typeof why === "string" ? why : response.statusText);
  }
  return { data: body as T, tag: response.headers.get("ETag") };
}

export interface Loaded<T> {
  data: T | undefined;
  error: Error | undefined;
  /** Asks again at once. */
  again: () => void;
}

/**
 * What the server says at a path, asked again after so many milliseconds (`every`: never when null). A hidden page asks
 * nothing. Faults are retried more and more seldom, and what was known stays.
 */
export function useData<T>(path: string | null, every: (data: T) => number | null): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: Error }>({ path });
  const [turn, setTurn] = useState(0);
  const rhythm = useRef(every);
  rhythm.current = every;
  useEffect(() => {
    if (path === null) return;
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let tag: string | null = null;
    let known: T | undefined;
    let faults = 0;
    const look = async (): Promise<void> => {
      let wait: number | null = null;
      try {
        const answer = await ask<T>(path, tag, ending.signal);
        faults = 0;
        if (answer !== null) {
          tag = answer.tag;
          known = answer.data;
        }
        if (known !== undefined) {
          const data = known;
          if (answer !== null) setState({ path, data });
          else setState((old) => (old.error === undefined ? old : { path, data }));
          wait = rhythm.current(data);
        }
      } catch (error) {
        if (ending.signal.aborted) return;
        faults += 1;
        const said = error instanceof Error ? error : new Error(String(error));
        setState({ path, ...(known === undefined ? {} : { data: known }), error: said });
        // What is refused stays refused until something is done about it.
        const final = error instanceof Refused && error.status >= 400 && error.status < 500;
        wait = final ? 15_000 : Math.min(30_000, 1000 * 2 ** faults) * (0.75 + Math.random() / 2);
      }
      if (wait !== null && !ending.signal.aborted) timer = setTimeout(tick, wait);
    };
    const tick = (): void => {
      timer = undefined;
      if (document.hidden) waiting = true;
      else void look();
    };
    let waiting = false;
    const wake = (): void => {
      if (!document.hidden && waiting) {
        waiting = false;
        void look();
      }
    };
    document.addEventListener("visibilitychange", wake);
    void look();
    return () => {
      ending.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
    };
  }, [path, turn]);
  const current = state.path === path;
  return {
    data: current ? state.data : undefined,
    error: current ? state.error : undefined,
    again: () => setTurn((n) => n + 1),
  };
}

export function studyPath(namespace: string, name: string): string {
  return `v1/namespaces/${encodeURIComponent(namespace)}/studies/${encodeURIComponent(name)}`;
}
