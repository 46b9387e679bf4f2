import type { HyperparameterValue } from "./types";

/**
 * Whole numbers below ten million as they are; of others four digits that count, with an exponent below 0.001 and from ten
 * million on; just below 1 the digits of what is missing count. The same as `studious_playbook::numbers::number`, which a
 * test of the crate compares it with.
 */
export function number(x: number | null | undefined): string {
  if (x === null || x === undefined) return "–";
  if (x === 0) return "0";
  if (!Number.isFinite(x) || (Number.isInteger(x) && Math.abs(x) < 1e7)) return String(x);
  if (x >= 0.999 && x < 1) {
    // What is missing has its first digit after so many zeros.
    let digits = 2;
    while (digits < 17 && (1 - x) * 10 ** (digits - 1) < 0.999) digits++;
    return x.toFixed(digits).replace(/0+$/, "");
  }
  const [mantissa = "", exponent = "0"] = x.toExponential(3).split("e");
  const digits = mantissa.replace(/\.?0+$/, "");
  const power = Number(exponent);
  return power >= -3 && power <= 6 ? String(Number(`${digits}e${power}`)) : `${digits}e${power}`;
}

/** Steps and counts: `12,000`. */
export function whole(n: number | null | undefined): string {
  return n === null || n === undefined ? "–" : n.toLocaleString("en");
}

export function value(x: HyperparameterValue | null | undefined): string {
  return typeof x === "number" ? number(x) : x === null || x === undefined ? "·" : String(x);
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${whole(n)} ${n === 1 ? one : many}`;
}

export function duration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  // Rounded first: 59.7 seconds are a minute, not 60 seconds.
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function time(at: number | null | undefined): string {
  if (at === null || at === undefined) return "–";
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function ago(at: number | null | undefined): string {
  if (at === null || at === undefined) return "–";
  const seconds = Math.max(0, (Date.now() - at) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** `SearchSpaceTooNarrow` as `Search space too narrow`. */
export function words(code: string): string {
  return code.replace(/(?<=.)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A trial's name without its study's. */
export function short(trial: string, study: string): string {
  return trial.startsWith(`${study}-`) ? trial.slice(study.length + 1) : trial;
}
