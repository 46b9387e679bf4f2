/** Conditions of hyperparameters (`when`). */
import { number, value } from "./format";
import type { Hyperparameter, HyperparameterValue, ParentValues } from "./types";

/** Whether a condition is one that holds at a point. */
export function holds(h: Hyperparameter, point: { [name in string]?: HyperparameterValue }): boolean {
  return Object.entries(h.when ?? {}).every(([on, allowed]) => allowed === undefined || allows(allowed, point[on]));
}

function allows(allowed: ParentValues, x: HyperparameterValue | undefined): boolean {
  if (Array.isArray(allowed)) return allowed.some((v) => v === x);
  const { min, max, above, below } = allowed;
  if (typeof x !== "number") return false;
  return (min == null || x >= min) && (max == null || x <= max) && (above == null || x > above) && (below == null || x < below);
}

/** A condition in words, behind the name of what it asks about. */
export function allowedValues(allowed: ParentValues | undefined): string {
  if (allowed === undefined) return "";
  if (Array.isArray(allowed)) return allowed.map(value).join(" or ");
  const { min, max, above, below } = allowed;
  if (min != null && max != null && above == null && below == null) return `from ${number(min)} to ${number(max)}`;
  const parts: [string, number | undefined][] = [
    ["at least", min],
    ["above", above],
    ["at most", max],
    ["below", below],
  ];
  return parts.flatMap(([word, end]) => (end == null ? [] : [`${word} ${number(end)}`])).join(" and ");
}
