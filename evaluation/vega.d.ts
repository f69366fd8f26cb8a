import "vega";

declare module "vega" {
  /** What is missing in Vega's own types: how wide it takes a text to be (vega-scenegraph, src/util/text.js). */
  export const textMetrics: {
    width: (item: { fontSize?: number }, text: unknown) => number;
  };
}
