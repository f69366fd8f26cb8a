/* global document, window, getComputedStyle */

/**
 * Runs inside the page; so it is plain JavaScript, and all of it is in one function. Looks at what axe-core does not:
 * what sticks out of the page, and the drawings, whose text has a fill instead of a colour.
 */
export function look() {
  const channel = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([red, green, blue]) =>
    0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  // WCAG 2.1, "contrast ratio".
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  /** Red, green and blue; undefined for what cannot be seen. */
  const colour = (text) => {
    const [red, green, blue, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return text === "none" || blue === undefined || alpha === 0 ? undefined : [red, green, blue];
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found !== undefined) return found;
    }
    return [255, 255, 255];
  };
  const isSeen = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 || height > 0;
  };
  const nameOf = (element) =>
    `${element.tagName.toLowerCase()}${element.id === "" ? "" : `#${element.id}`} ${(element.textContent ?? "").trim().slice(0, 40)}`;

  const faint = [];
  const judge = (element, what, ink, paper, least) => {
    const found = contrast(ink, paper);
    if (found < least) faint.push(`${what} ${nameOf(element)}: ${found.toFixed(2)} < ${least}`);
  };

  const figures = [...document.querySelectorAll("figure")].map((figure) => {
    const paper = behind(figure);
    const texts = [...figure.querySelectorAll("svg text")].filter(isSeen);
    for (const text of texts) {
      const { fill, stroke } = getComputedStyle(text);
      // A halo is what the letters lie on.
      const halo = colour(stroke);
      const ink = colour(fill);
      if (ink === undefined) faint.push(`text ${nameOf(text)} has no colour`);
      else judge(text, "text", ink, halo ?? paper, 4.5);
    }
    const marks = [...figure.querySelectorAll("svg .role-mark > *, svg .role-legend path")].filter(
      (mark) => mark.tagName !== "text" && isSeen(mark),
    );
    for (const mark of marks) {
      const { fill, stroke, opacity } = getComputedStyle(mark);
      const ink = colour(fill) ?? colour(stroke);
      if (ink !== undefined && Number(opacity) > 0) judge(mark, "mark", ink, paper, 3);
    }
    const svg = figure.querySelector("svg");
    const { width, height } = svg.getBoundingClientRect();
    const scale = width / svg.viewBox.baseVal.width;
    return {
      id: figure.id,
      width,
      height,
      marks: marks.length,
      smallestText: Math.min(
        ...texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * scale),
      ),
    };
  });

  /** Within something that has a scroll bar of its own, or that is there for screen readers alone. */
  const isAside = (element) => {
    for (let at = element; at !== document.body; at = at.parentElement) {
      const { overflowX, clipPath } = getComputedStyle(at);
      if (clipPath !== "none") return true;
      if (at !== element && ["auto", "scroll"].includes(overflowX)) return true;
    }
    return false;
  };
  const wide = [...document.body.querySelectorAll("*")]
    .filter((element) => element.closest("svg") === null && isSeen(element) && !isAside(element))
    .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 0.5)
    .map(nameOf);

  return {
    pageWidth: document.documentElement.scrollWidth,
    windowWidth: window.innerWidth,
    wide,
    figures,
    faint,
    paper: behind(document.body),
  };
}
