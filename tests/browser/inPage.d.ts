/** What a page looks like. */
export interface Look {
  /** Width of the contents, px; beyond the window's width the page scrolls sideways. */
  pageWidth: number;
  windowWidth: number;
  /** Elements that stick out of the window. */
  wide: string[];
  figures: {
    id: string;
    width: number;
    height: number;
    /** Lines, points, bars and legend symbols that can be seen. */
    marks: number;
    /** px on the screen */
    smallestText: number;
  }[];
  /** Parts of figures whose contrast is below WCAG AA: 4.5 for text, 3 for graphics. */
  faint: string[];
  /** Colour behind the page: red, green, blue. */
  paper: [number, number, number];
}

export function look(): Look;
