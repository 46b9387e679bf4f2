import { useEffect, useState } from "preact/hooks";

/**
 * Where one is: `#/studies/NAMESPACE/NAME?sort=objective`. Everything that was chosen stands there, so that an address can
 * be shared. After the `#`, because the page may be served under any path.
 */
export interface Route {
  parts: string[];
  query: URLSearchParams;
}

export function read(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decode);
  return { parts, query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function href(parts: string[], query?: URLSearchParams | Record<string, string>): string {
  const search = new URLSearchParams(query).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`;
}

export const studyHref = (namespace: string, name: string): string => href(["studies", namespace, name]);

export const trialHref = (namespace: string, study: string, trial: string): string =>
  href(["studies", namespace, study, "trials", trial]);

/** The current route, and a way to change what was chosen on this page without a step in the history. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener("hashchange", changed);
    addEventListener(CHANGED, changed);
    return () => {
      removeEventListener("hashchange", changed);
      removeEventListener(CHANGED, changed);
    };
  }, []);
  return read(hash);
}

const CHANGED = "studious-route";

/** Sets or, when empty, removes choices in the address. */
export function choose(changes: Record<string, string | null>): void {
  const { parts, query } = read(location.hash);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  history.replaceState(null, "", href(parts, query));
  dispatchEvent(new Event(CHANGED));
}
