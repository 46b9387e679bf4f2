declare module "vega-scenegraph" {
  /** How wide a text is drawn. */
  export const textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number };
}
