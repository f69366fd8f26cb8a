import { parse, textMetrics, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** Text and rules take the colour of the page around them, black in a file of their own. */
export const INK = "currentColor";

/** Width of the axes, px. */
export const WIDTH = 400;

/** Height of the letters at ticks, px. */
export const LABEL_SIZE = 14;

export const CONFIG: NonNullable<TopLevelSpec["config"]> = {
  font: "sans-serif",
  aria: false,
  title: { color: INK, subtitleColor: INK, fontSize: 17, subtitleFontSize: 14, offset: 8 },
  axis: {
    labelColor: INK,
    titleColor: INK,
    tickColor: INK,
    domainColor: INK,
    gridColor: INK,
    gridOpacity: 0.15,
    labelFontSize: LABEL_SIZE,
    titleFontSize: 15,
    titleFontWeight: "normal",
    labelLimit: 280,
  },
  // One width for all figures, whatever their labels.
  axisY: { minExtent: 62, maxExtent: 62 },
  legend: {
    orient: "top",
    labelColor: INK,
    labelFontSize: 15,
    labelLimit: 320,
    symbolSize: 90,
    symbolStrokeWidth: 2,
    columnPadding: 24,
    // Side by side two legends may be wider than the axes.
    // The types of vega-lite have lost Vega's for it.
    layout: { top: { direction: "vertical", anchor: "start", margin: 4 } } as never,
  },
  view: { stroke: null },
};

/** Width of an average letter of a wide sans-serif font (DejaVu Sans), in letter heights. */
const LETTER_WIDTH = 0.6;

/** Width of a text, px, about: there is no browser to ask. */
export const textWidth = (text: string, size = LABEL_SIZE): number =>
  text.length * size * LETTER_WIDTH;

// Vega counts 0.8 for each letter: a long title then makes the picture half as wide again as its content.
textMetrics.width = ({ fontSize }, text) => textWidth(String(text), fontSize);

/** An SVG document, drawn without a browser. */
export async function toSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
