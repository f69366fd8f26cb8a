import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { judgeClaims } from "../../../evaluation/claims.ts";
import { compareRuns } from "../../../evaluation/compare.ts";
import { renderComparison } from "../../../evaluation/compareView.ts";
import { drawFigures } from "../../../evaluation/figures.ts";
import { buildManifest, type RunFacts } from "../../../evaluation/manifest.ts";
import { observations } from "../../../evaluation/observations.ts";
import { renderReport } from "../../../evaluation/report.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { summarise } from "../../../evaluation/summary.ts";
import { sweepOf } from "../../../evaluation/sweep.ts";
import { drawSweep, renderSweep } from "../../../evaluation/sweepView.ts";
import { hostileText } from "../helpers/hostileText.ts";
import fc, { PATIENCE, runs } from "../helpers/property.ts";
import { facts } from "./facts.ts";
import { pingPong, repetitions } from "./measured.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";

const template = (name: string): string =>
  readFileSync(new URL(`../../../templates/${name}.html.hbs`, import.meta.url), "utf8");

/** A run whose machine, domains and samples say `text` wherever a text of theirs is shown. */
async function run(text: string) {
  const known: RunFacts = {
    ...facts,
    runId: text,
    startedAt: text,
    endedAt: text,
    command: text,
    settings: { vmCount: 2, a: { [`b${text}`]: text } },
    versions: { [`c${text}`]: text, xen: text, kernel: text },
    builds: { [`d${text}`]: text },
    machine: { ...facts.machine, cpuModel: text, os: text },
    accelerator: { kind: "tcg", reason: text },
  };
  const [first = "", ...lines] = syntheticLines(smokePlan(), undefined, [3]);
  const start = JSON.parse(first) as { domains: object[]; bench: string; time: string };
  start.domains = [{ name: text, domid: 1, addr: text, cid: 3, kernel: text, cpus: 1 }];
  const file = await readSamples([
    asFile([
      JSON.stringify({ ...start, bench: text, time: text }),
      ...lines,
      // What a domU's agent says is not to be trusted more than what it is called.
      ...repetitions(`e${text}`, 64, 9000, [2000, 2001, 2002]),
      pingPong(9100, "tcp", 64, 9, [1], { pair: `f${text}` }),
      pingPong(9101, "tcp", 64, 9, [1], { pair: `f${text}`, experiment: `g${text}` }),
      pingPong(9102, "v4v", 64, 9, [1], { pair: `f${text}`, ok: false, error: text }),
    ]),
    // No sample at all; on one line, as samples are.
    `{"h": ${text.replaceAll(/[\r\n]/g, "")}\n`,
  ]);
  const observed = observations(file.samples);
  const summary = summarise({
    runId: text,
    accelerator: "tcg",
    plan: smokePlan(),
    file,
    ...observed,
  });
  const artifacts = { "samples.jsonl": "12".repeat(32) };
  const manifest = buildManifest({ facts: known, plan: smokePlan(), complete: false, artifacts });
  return { file, summary, manifest, observed: observed.observed };
}

/** The three pages that are made of runs. */
async function pages(text: string): Promise<Record<string, string>> {
  const { file, summary, manifest, observed } = await run(text);
  const [claims, figures] = [judgeClaims(summary), await drawFigures(summary)];
  const base = await run(`base${text}`);
  const sweep = sweepOf([{ manifest, summary }]);
  return {
    report: renderReport(template("report"), { manifest, summary, claims, figures, file }),
    compare: renderComparison(
      template("compare"),
      compareRuns({ manifest: base.manifest, observed: base.observed }, { manifest, observed }),
    ),
    sweep: renderSweep(template("sweep"), sweep, await drawSweep(sweep)),
  };
}

/** Tags and the names of their attributes, counted; what is between tags or quotes does not matter. */
function skeleton(html: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [tag] of html.matchAll(/<[^>]*>/g)) {
    const bare = tag.replaceAll(/="[^"]*"/g, "=");
    counts[bare] = (counts[bare] ?? 0) + 1;
  }
  return counts;
}

/** Where a page leads: no address may be made of data. */
const addresses = (html: string): string[] =>
  [
    ...new Set(
      [...html.matchAll(/\s(?:href|src|action|style)="([^"]*)"/g)].map(([, to]) => to ?? ""),
    ),
  ].sort();

test(
  "pages keep their elements, attributes and links whatever runs, machines and domUs say",
  { timeout: PATIENCE },
  async () => {
    const plain = await pages("plain");
    await fc.assert(
      fc.asyncProperty(hostileText(), async (text) => {
        for (const [name, html] of Object.entries(await pages(text))) {
          expect(skeleton(html), name).toEqual(skeleton(plain[name] ?? ""));
          expect(addresses(html), name).toEqual(addresses(plain[name] ?? ""));
        }
      }),
      { numRuns: runs(6, 200) },
    );
  },
);

test("a text of each known kind is shown as what it is", async () => {
  const text = `<script>alert(1)</script></style><img src=x onerror=alert(1)>" onload="alert(1)`;
  const { report = "", ...others } = await pages(text);
  for (const [name, html] of Object.entries({ report, ...others })) {
    expect(html, name).not.toMatch(/<script|<img|<[^>]*onload=/);
    expect(html, name).toContain("&lt;script&gt;alert(1)");
  }
  expect(report.match(/&lt;script&gt;alert\(1\)/g)?.length).toBeGreaterThan(20);
});
