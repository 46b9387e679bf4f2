// What Vega looks for in a browser, and the engine lacks.
const nothing = () => undefined;
globalThis.console = { log: nothing, info: nothing, warn: nothing, error: nothing, debug: nothing };
globalThis.queueMicrotask = (then) => { Promise.resolve().then(then); };
globalThis.setTimeout = (then) => { Promise.resolve().then(then); return 0; };
globalThis.setInterval = () => 0;
globalThis.clearTimeout = nothing;
globalThis.clearInterval = nothing;
globalThis.structuredClone = (value) => {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(structuredClone);
  if (value instanceof Date) return new Date(value);
  if (value instanceof Set) return new Set([...value].map(structuredClone));
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [structuredClone(key), structuredClone(one)]));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, structuredClone(one)]));
};
