import { existsSync } from "node:fs";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** Debian's; nothing is downloaded. */
const EXECUTABLE = process.env.V4V_CHROMIUM ?? "/usr/bin/chromium";

export function launch(): Promise<Browser> {
  if (!existsSync(EXECUTABLE))
    throw new Error(`${EXECUTABLE} is not there: install Debian's package chromium`);
  return chromium.launch({
    executablePath: EXECUTABLE,
    // The tests may run as root in a container, and on a machine without a way out.
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
      ...["--disable-background-networking", "--disable-component-update"],
    ],
  });
}

/** A page that is being looked at, and everything that it complained of or asked for. */
export interface Opened {
  page: Page;
  /** Errors and warnings of the console, exceptions, requests that failed. */
  complaints: string[];
  /** Addresses asked for, without the page's own. */
  requests: string[];
}

/** Opens a file without a network and hands it over; the window is closed afterwards. */
export async function withPage<T>(
  browser: Browser,
  file: string,
  options: BrowserContextOptions,
  body: (opened: Opened) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext({ ...options, offline: true });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    const address = `file://${file}`;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
    page.on("request", (request) => {
      if (request.url() !== address) requests.push(request.url());
    });
    await page.goto(address, { waitUntil: "load" });
    return await body({ page, complaints, requests });
  } finally {
    await context.close();
  }
}

/** Breaches of WCAG 2.1 A and AA that axe-core finds; the page must be open with `bypassCSP`. */
export async function breaches(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    // Drawings are hidden from it by the page, and would take it most of its time.
    `axe.run({ exclude: ["svg"] }, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] })`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary ?? ""}`),
  );
}
