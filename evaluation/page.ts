import { readFileSync } from "node:fs";

/** What all pages look like; each of them holds it, as a page is one file. */
export const PAGE_STYLE = readFileSync(new URL("../templates/page.css", import.meta.url), "utf8");
