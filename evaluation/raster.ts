import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";

/** Letters come with the project: a PNG has the same bytes on every machine, also on one without fonts. */
const FONT = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");

/** Dots for each unit of the drawing: sharp on paper and on fine screens. */
const SCALE = 2;

/** A figure as PNG, on white. */
export function toPng(svg: string): Uint8Array {
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: SCALE },
    background: "white",
    font: {
      loadSystemFonts: false,
      fontFiles: [FONT],
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  });
  return drawing.render().asPng();
}
