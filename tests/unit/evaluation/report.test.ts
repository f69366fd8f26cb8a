import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { judgeClaims } from "../../../evaluation/claims.ts";
import { drawFigures } from "../../../evaluation/figures.ts";
import { buildManifest, manifestHash, type RunFacts } from "../../../evaluation/manifest.ts";
import { observations } from "../../../evaluation/observations.ts";
import { buildPlan, type Plan } from "../../../evaluation/plan.ts";
import type { ProfilePoint } from "../../../evaluation/profiles.ts";
import { renderReport } from "../../../evaluation/report.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { summarise } from "../../../evaluation/summary.ts";
import { driven, type Measure } from "./driven.ts";
import { facts } from "./facts.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";
import { paired, pingPong, programs, repetitions } from "./measured.ts";

const template = readFileSync(
  new URL("../../../templates/report.html.hbs", import.meta.url),
  "utf8",
);

async function reportOf(
  lines: readonly string[],
  known: RunFacts = facts,
  plan: Plan = smokePlan(),
) {
  const file = await readSamples([asFile(lines)]);
  const summary = summarise({
    runId: known.runId,
    accelerator: "tcg",
    plan,
    file,
    ...observations(file.samples),
  });
  const artifacts = { "samples.jsonl": "12".repeat(32) };
  const manifest = buildManifest({ facts: known, plan, complete: summary.complete, artifacts });
  const [claims, figures] = [judgeClaims(summary), await drawFigures(summary)];
  return {
    html: renderReport(template, { manifest, summary, claims, figures, file }),
    manifest,
    claims,
  };
}

const count = (html: string, part: RegExp): number => html.match(part)?.length ?? 0;

test("one file: no script, no address outside, nothing loaded", async () => {
  const { html } = await reportOf(syntheticLines(smokePlan(), undefined, [3]));
  const addresses = html.match(/[a-z]+:\/\/[^"' <]*/g) ?? [];
  expect(new Set(addresses)).toEqual(
    new Set(["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"]),
  );
  expect(html.replaceAll(/ xmlns(:xlink)?="[^"]*"/g, "")).not.toMatch(/:\/\//);
  expect(html).not.toMatch(
    /<script|<link|<img|<iframe|<object|@import|url\(|\son[a-z]+=|src=|:href=/i,
  );
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
});

test("what ran where, the stamp, headline, claims, figures, sizes, method, provenance, how to repeat", async () => {
  const { html, manifest, claims } = await reportOf(syntheticLines(smokePlan(), undefined, [3]));
  const places = [
    '<p class="stamp">Xen in QEMU TCG (emulated)</p>',
    "Example CPU 3.0 GHz, 2 cores, 24000 MiB, Debian 12; 2 domUs; Xen 4.20.2; Linux 6.12.107.",
    "1 sample failed",
    "<h2>The poster&#x27;s claims</h2>",
    "<h2>Figures</h2>",
    "<h2>Result by message size</h2>",
    "<h2>The claims in full</h2>",
    "<h2>Every size</h2>",
    "<h2>Failed and unused samples</h2>",
    "connect: Connection reset by peer",
    "<h2>Method</h2>",
    "TCP: 4 MiB to send, 4 MiB to receive; V4V: 4 MiB to send",
    "<h2>Provenance</h2>",
    manifestHash(manifest),
    "<h2>Raw data</h2>",
    "<h2>Repeat it</h2>",
    "./scripts/up --profile smoke --seed 1",
  ].map((part) => html.replaceAll("poster's", "poster&#x27;s").replaceAll("\n", " ").indexOf(part));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(count(html, /<svg /g)).toBe(4);
  const [first = "", full = ""] = html.split('<section id="claims">');
  expect(count(full, /data-label="Why"/g)).toBe(claims.length);
  expect(count(full, /class="pass">pass</g)).toBe(3);
  expect(count(full, /class="open">not measured yet</g)).toBe(17);
  expect(count(full, /class="open">cannot be judged here</g)).toBe(6);
  // The first screen has those that the run tells something about, and names the others.
  expect(count(first, /data-label="Why"/g)).toBe(claims.filter((one) => one.measured).length);
  expect(count(first, /class="pass">pass</g)).toBe(3);
  expect(first).toMatch(
    /<a href="#claim-latency-small">Latency of 1 B<\/a><\/td>\s*<td data-label="Paper" class="paper">−81% \(ratio 0\.19\)<\/td>\s*<td data-label="Measured" class="measured">0\.1\d\d× \(0\.1\d\d to 0\.1\d\d\)<\/td>/,
  );
  expect(first).toMatch(/Without a number in this run: .*#claim-aggregate".*#claim-gpu-transfer/);
  // 11 sizes twice and 3 once, on two transports.
  expect(count(html, /<td class="name">/g)).toBe(50);
  expect(html).toContain("(93.8%)");
  expect(html).toMatch(/3 pass, 6 cannot be judged here, 17 not measured yet/);
});

test("every link leads to a file beside the report or to a place in it", async () => {
  const { html, claims } = await reportOf(syntheticLines(smokePlan()));
  const targets = [...html.matchAll(/href="([^"]*)"/g)].map(([, target = ""]) => target);
  const inside = targets.filter((target) => target.startsWith("#"));
  for (const target of inside) expect(html).toContain(` id="${target.slice(1)}"`);
  expect(inside).toEqual(expect.arrayContaining(claims.map(({ id }) => `#claim-${id}`)));
  expect(targets.filter((target) => !target.startsWith("#")).sort()).toEqual([
    "figures/",
    ...["bandwidth", "latency", "ratio", "stream"].flatMap((name) => [
      `figures/${name}.png`,
      `figures/${name}.svg`,
    ]),
    ...["manifest.json", "plan.json", "results.csv", "samples.jsonl", "summary.json"],
  ]);
});

test("the first screen has four figures, those of the poster's experiments before others", async () => {
  const first = async (scaling: string[]) => {
    const { html } = await reportOf([
      ...syntheticLines(smokePlan()).slice(0, -1),
      ...paired("scaling", "v4v", 1001, 2, 10),
      ...scaling,
      ...paired("neighbours", "v4v", 1011, 2, 10, 1),
    ]);
    return html
      .split("<h2>More figures</h2>")
      .map((part) => [...part.matchAll(/<figure id="figure-(\w+)"/g)].map(([, name]) => name));
  };
  expect(await first(paired("scaling", "v4v", 1021, 1, 10))).toEqual([
    ["latency", "bandwidth", "scaling", "ratio"],
    ["stream", "fairness", "neighbours"],
  ]);
  // With one number of pairs there is nothing to see in it.
  expect((await first([]))[0]).toEqual(["latency", "bandwidth", "ratio", "stream"]);
});

test("everything inserted is escaped", async () => {
  const hostile = `<script>alert("x")</script>'&`;
  const known: RunFacts = {
    ...facts,
    runId: hostile,
    startedAt: hostile,
    endedAt: hostile,
    command: hostile,
    settings: { [hostile]: hostile },
    versions: { [hostile]: hostile },
    builds: { [hostile]: hostile },
    machine: { ...facts.machine, cpuModel: hostile, os: hostile },
    accelerator: { kind: "tcg", reason: hostile },
  };
  const start = JSON.parse(syntheticLines(smokePlan())[0] ?? "") as { domains: object[] };
  start.domains = [{ name: hostile, domid: 1, addr: hostile, cid: 3, kernel: hostile, cpus: 1 }];
  const { html } = await reportOf(
    [
      JSON.stringify(start),
      ...repetitions(hostile, 64, 1, [2000, 2001]),
      pingPong(7, hostile, 64, 9, [1], { pair: hostile }),
      pingPong(8, hostile, 64, 9, [1], { pair: hostile, experiment: hostile }),
      pingPong(9, hostile, 64, 9, [1], { pair: hostile, ok: false, error: hostile }),
      hostile,
    ],
    known,
  );
  expect(html).not.toContain("<script");
  // A bare quote is harmless in a text, never inside of a tag.
  expect(html).not.toMatch(/<[^<>]*alert\("/);
  expect(count(html, /&lt;script&gt;alert/g)).toBeGreaterThan(25);
});

test("of several hosts, it is said which each domU is on", async () => {
  const start = JSON.parse(syntheticLines(smokePlan())[0] ?? "") as { domains: object[] };
  const names = ["domu1", "domu3", "domu4", "domu5", "gpu"];
  start.domains = names.map((name) => ({
    name,
    domid: 1,
    addr: "a",
    cid: 3,
    kernel: "6",
    cpus: 1,
  }));
  const on = async (hosts: unknown) => {
    const settings = { ...facts.settings, vmCount: 5, hosts };
    const { html } = await reportOf([JSON.stringify(start)], { ...facts, settings });
    return {
      domains: [...html.matchAll(/<tr><td>(\w+)<\/td><td>(\d+)<\/td><td>1<\/td>/g)].map(
        ([, name, host]) => `${name} ${host}`,
      ),
      said: /5 domUs[\w ]*/.exec(html)?.[0],
      columns: count(html, />Host</g),
    };
  };
  expect(await on(2)).toEqual({
    domains: ["domu1 1", "domu3 2", "domu4 2", "domu5 1", "gpu 1"],
    said: "5 domUs on 2 hosts",
    columns: 1,
  });
  expect(await on([])).toEqual({ domains: [], said: "5 domUs", columns: 0 });
});

const six = (us: number): number[] => [us, us + 1, us + 2, us + 3, us + 4, us + 5];

test("losing sizes are named", async () => {
  const { html } = await reportOf([
    ...repetitions("tcp", 64, 1, six(1000)),
    ...repetitions("v4v", 64, 11, six(2000)),
    ...repetitions("tcp", 1024, 21, six(2000)),
    ...repetitions("v4v", 1024, 31, six(1000)),
    ...repetitions("tcp", 4096, 41, six(2000)),
    ...repetitions("v4v", 4096, 51, six(2000)),
  ]);
  expect(html).toContain("<p>V4V is slower than TCP here: latency at 64 B.</p>");
});

test("V4V's ratio to every other transport is shown, and where it loses to one", async () => {
  const { html } = await reportOf([
    ...repetitions("tcp", 64, 1, six(1000)),
    ...repetitions("tcp-stock", 64, 11, six(500)),
    ...repetitions("v4v", 64, 21, six(200)),
    ...repetitions("v4v-sockets", 64, 31, six(300)),
    ...repetitions("vchan", 64, 41, six(100)),
    ...repetitions("unix", 64, 51, [150, 199, 199, 199, 199, 250]),
  ]);
  for (const sentence of [
    "V4V is slower than vchan (libxenvchan) here: latency at 64 B.",
    "There is no size at which V4V is slower than TCP, TCP (stock) or AF_UNIX, one domU beyond doubt.",
    "By the medians alone V4V is behind AF_UNIX, one domU: latency at 64 B (1.02×).",
    "V4V sockets (v4vrun) is slower than vchan (libxenvchan) here: latency at 64 B.",
    "V4V sockets (v4vrun) is slower than AF_UNIX, one domU here: latency at 64 B.",
  ])
    expect(html).toContain(sentence);
  const [, table = ""] = html.split("<h2>V4V beside the other transports</h2>");
  const cells = /<tbody>([^]*?)<\/tbody>/.exec(table)?.[1] ?? "";
  const ratios = [...cells.matchAll(/>(\d\.\d+)× \(/g)].map(([, ratio]) => Number(ratio));
  expect(ratios).toEqual([0.202, 0.403, 1.98, 1.02, 0.302, 0.602, 2.95, 1.52]);
  expect(count(cells, /class="fail">slower/g)).toBe(3);
  expect((await reportOf(repetitions("tcp", 64, 1, six(1)))).html).not.toContain(
    "beside the other",
  );
});

test("an A/A control is shown where it holds, too; where there is none that is said", async () => {
  const set = (name: "a" | "b", first: number, us: number): string[] =>
    Array.from({ length: 6 }, (_, index) =>
      pingPong(first + index, "v4v", 1, index + 1, [us * 1000 + index], {
        experiment: `control-${name}`,
      }),
    );
  const [holds, fails] = await Promise.all(
    [100, 50].map((us) => reportOf([...set("a", 1, 100), ...set("b", 11, us)])),
  );
  const table = (html = "") => /<section id="control">([^]*?)<\/section>/.exec(html)?.[1] ?? "";
  expect(table(holds?.html)).toContain('<span class="pass">holds</span>');
  expect(table(holds?.html)).toMatch(/1\.00<\/td><td class="number">1\.00 to 1\.00/);
  expect(table(fails?.html)).toContain('<span class="fail">fails</span>');
  const { html } = await reportOf(syntheticLines(smokePlan()));
  expect(table(html)).toContain("This run has no A/A control");
});

test("which TCP the claims divide by is said, and where the other one is faster", async () => {
  const both = [
    ...repetitions("tcp", 64, 1, six(1000)),
    ...repetitions("tcp-stock", 64, 11, six(900)),
    ...repetitions("tcp", 1024, 21, six(1000)),
    ...repetitions("tcp-stock", 1024, 31, six(1002)),
  ];
  const { html } = await reportOf(both);
  expect(html).toContain(
    "<p>Claims divide by TCP, the tuned one; the ratio to the other stands beside them. TCP (stock) is faster than that here: latency at 64 B.</p>",
  );
  const same = await reportOf(both.slice(-12));
  expect(same.html).toContain("TCP (stock) is at no size faster than that beyond doubt.</p>");
  expect((await reportOf(both.slice(0, 6))).html).not.toContain("the tuned one");
});

test("vchan has its name, a row, a line in the figures and its set-up", async () => {
  const six = (us: number): number[] => Array.from({ length: 6 }, (_, index) => us + index);
  const known = { ...facts, transports: { vchan: "libxenvchan, two rings" } };
  const lines = [...repetitions("tcp", 1, 1, six(2000)), ...repetitions("vchan", 1, 7, six(1000))];
  const { html } = await reportOf(lines, known);
  expect(html).toContain('<td class="name">vchan (libxenvchan)</td>');
  expect(html).toMatch(/<svg[\s\S]*vchan \(libxenvchan\)[\s\S]*<\/svg>/);
  expect(html).toContain("vchan (libxenvchan): libxenvchan, two rings.");
  expect(html).not.toContain("own settings (cong");
  const start = syntheticLines(smokePlan())[0]?.replace(
    '"cpus":',
    '"tcp":"cubic,rmem=1:2:3","cpus":',
  );
  const told = await reportOf([start ?? "", ...lines], known);
  expect(told.html.replaceAll("\n", " ")).toContain(
    "own settings (congestion control, least, usual and largest buffers): cubic,rmem&#x3D;1:2:3.",
  );
});

test("an unfinished run with unreadable lines, of TCP alone, says so", async () => {
  const plan = smokePlan(["tcp"]);
  const lines = syntheticLines(plan).slice(0, 21);
  const { html } = await reportOf([...lines, "garbage & more"], facts, plan);
  expect(html).toContain("The run is not complete: 10 of 84 steps were measured.");
  expect(html).toContain("1 line of samples.jsonl could not be used.");
  expect(html).toContain("<td>not JSON</td><td><code>&quot;garbage &amp; more&quot;</code></td>");
  expect(html).toContain("This run has nothing to compare");
  expect(html).not.toContain("figure-ratio");
});

test("nothing measured at all still gives a page", async () => {
  const { html } = await reportOf([]);
  expect(html).toContain("No ping-pong sample was measured.");
  expect(html).toContain("Nothing was measured that could be drawn.");
});

test("V4V sockets have their name, their ratio to TCP and a line of their own in the figures", async () => {
  const six = (us: number): number[] => Array.from({ length: 6 }, (_, index) => us + index);
  const lines = ["tcp", "v4v", "v4v-sockets"].flatMap((transport, index) =>
    repetitions(transport, 1, 1 + 6 * index, six(transport === "v4v-sockets" ? 4000 : 1000)),
  );
  const { html } = await reportOf(lines);
  expect(html).toContain('<td class="name">V4V sockets (v4vrun)</td>');
  expect(html).toContain("V4V sockets (v4vrun) is slower than TCP here: latency at 1 B.");
  expect(html).toMatch(/<svg[\s\S]*V4V sockets \(v4vrun\)[\s\S]*<\/svg>/);
  const row = /V4V sockets \(v4vrun\)<\/td>(.*?)<\/tr>/s.exec(html)?.[1] ?? "";
  expect(row).toContain('<td class="number">3.9');
});

test("unmodified programs have a table: what ran, its figure, the ratio to TCP and the way of its bytes", async () => {
  const { html } = await reportOf([
    ...programs("redis-get", "tcp", 1, 1000),
    ...programs("redis-get", "v4v-sockets", 11, 4000),
    ...programs("redis-get", "unix", 21, 8000),
  ]);
  const section = /<h2>Unmodified programs<\/h2>.*?<\/section>/s.exec(html)?.[0] ?? "";
  const rows = [...section.matchAll(/<tr><th scope="row">.*?<\/tr>/gs)].map(([row]) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => cell),
  );
  expect(rows.map((cells) => [cells[0], cells[1], cells[2], cells[4], cells[6], cells[8]])).toEqual(
    [
      ["redis-benchmark 8.0.2", "TCP", "6", "1000 1/s", "", "–"],
      ["redis-benchmark 8.0.2", "V4V sockets (v4vrun)", "6", "4000 1/s", "4.00", "99.5%"],
      ["redis-benchmark 8.0.2", "AF_UNIX, one domU", "6", "8000 1/s", "8.00", "–"],
    ],
  );
  expect(rows[1]?.[9]).toBe("<code>redis-get over v4v-sockets</code>");
  expect((await reportOf(repetitions("tcp", 1, 1, [1]))).html).not.toContain("<h2>Unmodified");
});

/** The cells of the table of repetitions: rows of texts. */
function repetitionRows(html: string): string[][] {
  const [, table = ""] = html.split("<h2>How often, and why not more often</h2>");
  const [, body = ""] = (table.split("</table>")[0] ?? "").split("<tbody>");
  return [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = ""]) =>
    [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text = ""]) => text),
  );
}

test("how often each cell was repeated, and why not more often, has a table", async () => {
  const profile = {
    ...{ name: "any", description: "", repetitions: 6, transports: ["tcp", "v4v"] as const },
    points: [1, 64, 256].map((size) => ({
      ...{ experiment: "latency", kind: "pingpong", size, warmup: 0, count: 1, budgetMs: 10 },
    })) as ProfilePoint[],
    further: { most: 12, block: 3, budgetS: 6 },
  };
  const plan = buildPlan({
    ...{ profile, domains: ["domu1", "domu2"], transports: ["tcp", "v4v"], seed: 1 },
  });
  const noisy: Measure = ({ size, transport, id }) =>
    size === 64 ? null : transport === "v4v" && size === 1 ? 100 + 40 * Math.sin(7 * id) : 100;
  const shown = async (stepMs: number, stopAfter?: number) => {
    const { text } = driven(plan, noisy, () => stepMs, stopAfter);
    return (await reportOf(text.trimEnd().split("\n"), facts, plan)).html;
  };
  const html = await shown(100);
  expect(repetitionRows(html).map((row) => row.join("|"))).toEqual([
    expect.stringMatching(
      /^latency\|1 B\|1\|TCP, V4V\|12\|[1-9]\d\.\d%\|V4V\|the most that are planned$/,
    ),
    "latency|64 B|1|TCP, V4V|6|–||no transport gave a number",
    expect.stringMatching(
      /^latency\|256 B\|1\|TCP, V4V\|6\|0\.0%\|\w+\|every interval within 5% of its median$/,
    ),
  ]);
  expect(html).toContain("Cells × repetitions: 2 × 6, 1 × 12.");
  expect(html).toContain("Further repetitions, 3 at a time and 12 in all at most");
  const [late = []] = repetitionRows(await shown(200));
  expect(late.slice(4).join("|")).toMatch(
    /^6\|\d+\.\d%\|V4V\|another block would not have been over within 6 s$/,
  );
  const cut = await shown(100, 20);
  expect(cut).toMatch(/not complete: 20 of at most \d+ steps were measured/);
  expect(repetitionRows(cut).every((row) => row.at(-1) === "the run was cut short")).toBe(true);
});

test("a fixed number of repetitions is called that, and nothing is said of looks", async () => {
  const { html } = await reportOf(syntheticLines(smokePlan()));
  const rows = repetitionRows(html);
  expect(rows).toHaveLength(14);
  for (const row of rows) expect([row[4], row.at(-1)]).toEqual(["6", "fixed beforehand"]);
  expect(html).not.toContain("Further repetitions");
});

test("what was chosen of the profile stands beside its name", async () => {
  const settings = { evaluation: { profile: "quick", experiments: "latency", sizes: "1,64KiB" } };
  const { html } = await reportOf(syntheticLines(smokePlan()), { ...facts, settings });
  expect(html).toContain("profile smoke (experiments latency; sizes 1,64KiB), ");
  expect((await reportOf(syntheticLines(smokePlan()))).html).toContain("profile smoke, ");
});
