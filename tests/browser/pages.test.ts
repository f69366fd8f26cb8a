import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { breaches, launch, withPage } from "./chromium.ts";
import { look } from "./inPage.js";
import { makePages, type MadePage } from "./pages.ts";

const folder = mkdtempSync(join(tmpdir(), "v4v-pages-"));
/** Kept, to be looked at; V4V_SCREENSHOTS names another folder. */
const screenshots = process.env.V4V_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "v4v-screenshots-"));

let browser: Browser;
let pages: MadePage[];

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  pages = await makePages(folder);
  browser = await launch();
  console.log(`screenshots: ${screenshots}`);
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

const WINDOWS = {
  phone: { viewport: { width: 375, height: 812 }, deviceScaleFactor: 2 },
  desktop: { viewport: { width: 1440, height: 900 } },
} satisfies Record<string, BrowserContextOptions>;

/** A4 without the page's margins of 12 mm, at 96 dots an inch. */
const PAPER = { viewport: { width: 703, height: 1032 } } satisfies BrowserContextOptions;

/** Below that letters are no longer read with ease, px. */
const SMALLEST_TEXT = 9;

const options = (window: keyof typeof WINDOWS, colorScheme: "light" | "dark") => ({
  ...WINDOWS[window],
  colorScheme,
});

describe.each(["light", "dark"] as const)("%s", (scheme) => {
  describe.each(["phone", "desktop"] as const)("%s", (window) => {
    test("no complaint, no request, nothing wider than the window, figures to be seen", async () => {
      for (const { name, file, figures } of pages) {
        await withPage(browser, file, options(window, scheme), async (opened) => {
          const seen = await opened.page.evaluate(look);
          await opened.page.screenshot({
            path: join(screenshots, `${name}-${window}-${scheme}.png`),
            fullPage: true,
          });
          await opened.page.screenshot({
            path: join(screenshots, `${name}-${window}-${scheme}-first.png`),
          });
          expect([name, opened.complaints, opened.requests]).toEqual([name, [], []]);
          expect([name, seen.wide]).toEqual([name, []]);
          expect(seen.pageWidth, name).toBeLessThanOrEqual(seen.windowWidth);
          expect([name, seen.faint]).toEqual([name, []]);
          expect(seen.figures).toHaveLength(figures);
          for (const { id, width, height, marks, smallestText } of seen.figures) {
            expect([id, width > 200, height > 100, marks > 10]).toEqual([id, true, true, true]);
            expect([id, smallestText >= SMALLEST_TEXT, smallestText]).toEqual([
              id,
              true,
              smallestText,
            ]);
          }
          // The scheme is the page's, not the browser's alone.
          expect(seen.paper[0] > 127).toBe(scheme === "light");
        });
      }
    });
  });

  test("WCAG 2.1 AA as axe-core judges it", async () => {
    for (const { name, file } of pages) {
      const found = await withPage(
        browser,
        file,
        { ...options("desktop", scheme), bypassCSP: true },
        ({ page }) => breaches(page),
      );
      expect([name, found]).toEqual([name, []]);
    }
  });

  test("on paper: white, and nothing wider than the sheet", async () => {
    for (const { name, file } of pages) {
      await withPage(browser, file, { ...PAPER, colorScheme: scheme }, async ({ page }) => {
        await page.emulateMedia({ media: "print" });
        const seen = await page.evaluate(look);
        expect([name, seen.wide, seen.paper]).toEqual([name, [], [255, 255, 255]]);
        expect(seen.pageWidth, name).toBeLessThanOrEqual(seen.windowWidth);
        expect([name, seen.faint]).toEqual([name, []]);
        const pdf = await page.pdf({ preferCSSPageSize: true, format: "A4" });
        writeFileSync(join(screenshots, `${name}-${scheme}.pdf`), pdf);
        expect(pdf.subarray(0, 5).toString("latin1")).toBe("%PDF-");
      });
    }
  });
});

test("a report's first screen has the stamp, claims with their verdicts, and figures", async () => {
  const [width, height] = [1440, 900];
  for (const { name, file } of pages.filter((one) => one.name.startsWith("report"))) {
    await withPage(browser, file, { viewport: { width, height } }, async ({ page }) => {
      const boxOf = (selector: string) => page.locator(selector).first().boundingBox();
      // What has to begin there, and how much of it is to be seen at least, px.
      for (const [selector, least] of [
        [".stamp", 20],
        [".first .claims tbody tr", 20],
        [".first .claims .verdict", 20],
        [".first .figures figure", 200],
      ] as const) {
        const box = await boxOf(selector);
        const seen = box === null ? 0 : Math.min(box.y + box.height, height) - box.y;
        expect([name, selector, seen >= least]).toEqual([name, selector, true]);
        expect(box?.x, `${name} ${selector}`).toBeLessThan(width);
      }
    });
  }
});

describe("the check itself", () => {
  const open = <T>(html: string, body: Parameters<typeof withPage<T>>[3], bypassCSP = false) => {
    const file = join(folder, "made.html");
    writeFileSync(
      file,
      `<!doctype html><html lang="en"><title>x</title><body>${html}</body></html>`,
    );
    return withPage(browser, file, { ...options("phone", "light"), bypassCSP }, body);
  };
  const figure = (text: string) =>
    `<figure id="f"><svg viewBox="0 0 600 200" width="300" height="100"><g class="role-mark"><path d="M0 0L9 9" ${text}/></g><text y="20" ${text}>words</text></svg></figure>`;

  test("hears the console, and sees what is asked for", async () => {
    const html = `<img src="none.png" alt="none"><script>console.error("heard"); null.x</script>`;
    const { complaints, requests } = await open(html, ({ complaints, requests }) =>
      Promise.resolve({ complaints, requests }),
    );
    expect(complaints).toContain("heard");
    expect(complaints.join("\n")).toMatch(/Cannot read properties of null/);
    expect(requests).toEqual([`file://${join(folder, "none.png")}`]);
  });

  test("sees what is too wide, too faint, too small or not there", async () => {
    const { seen, found } = await open(
      `<p id="wide" style="width: 400px; color: #999">faint words</p>${figure('fill="#ddd"')}`,
      async ({ page }) => ({ seen: await page.evaluate(look), found: await breaches(page) }),
      true,
    );
    expect(seen.wide).toEqual(["p#wide faint words"]);
    expect(seen.pageWidth).toBeGreaterThan(seen.windowWidth);
    expect(seen.faint).toHaveLength(2);
    expect(seen.figures).toMatchObject([{ id: "f", width: 300, height: 100, marks: 1 }]);
    expect(seen.figures[0]?.smallestText).toBe(8);
    expect(found.join("\n")).toMatch(/color-contrast: <p id="wide"/);
  });

  test("is content with what is well, halos included", async () => {
    const html = `<p>words</p>${figure('fill="#000"')}<figure id="g" style="background: #000"><svg viewBox="0 0 9 9"><text fill="#000" stroke="#fff">words</text></svg></figure>`;
    const { wide, faint } = await open(html, ({ page }) => page.evaluate(look));
    expect([wide, faint]).toEqual([[], []]);
  });
});
