import { expect, test } from "vitest";
import { readSamples, SamplesReader } from "../../../evaluation/samples.ts";
import { program } from "./measured.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";
import fc from "../helpers/property.ts";

const lines = syntheticLines(smokePlan(), undefined, [5]);
const text = asFile(lines);
const sample = JSON.parse(lines[1] ?? "") as Record<string, unknown>;

test("a whole file: every sample, progress and end, nothing to complain about", async () => {
  const file = await readSamples([text]);
  expect(file.samples).toHaveLength(168);
  expect(file.samples.filter((one) => !one.ok)).toHaveLength(1);
  expect(file.start?.domains.map((domain) => domain.name)).toEqual(["domu1", "domu2"]);
  expect(file.progress).toMatchObject({ done: 168, of: 168 });
  expect(file.end).toMatchObject({ ok: 167, failed: 1 });
  expect(file.problems).toEqual([]);
  expect(file.partial).toBeNull();
});

test("it does not matter where the pieces are cut", async () => {
  const short = asFile(lines.slice(0, 6));
  const whole = await readSamples([short]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(short.length)), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), short.length];
      const pieces = places.slice(1).map((to, index) => short.slice(places[index], to));
      expect(await readSamples(pieces)).toEqual(whole);
    }),
  );
});

test("a file cut anywhere keeps every whole line and says what was cut off", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), async (length) => {
      const cut = text.slice(0, length);
      const whole = cut.split("\n").slice(0, -1);
      const rest = cut.slice(cut.lastIndexOf("\n") + 1);
      const file = await readSamples([cut]);
      expect(file.problems).toEqual([]);
      expect(file.samples).toHaveLength(whole.filter((line) => line.includes('"sample"')).length);
      if (rest === "") expect(file.partial).toBeNull();
      else expect(file.partial).toMatchObject({ line: whole.length + 1, problem: "cut off" });
    }),
    { numRuns: 60 },
  );
});

test("the file can be read while it grows", () => {
  const reader = new SamplesReader();
  reader.push(asFile(lines.slice(0, 3)));
  expect(reader.file.progress).toMatchObject({ done: 1, of: 168 });
  reader.push(lines[3] ?? "");
  expect(reader.file.samples).toHaveLength(1);
  reader.push("\n");
  expect(reader.file.samples).toHaveLength(2);
});

const rtt = { rtt_ns: [1000, 2000] };
const broken: [string, string, RegExp][] = [
  ["garbage", "\u0000\u0001garbage", /^not JSON$/],
  ["an empty line", "", /^not JSON$/],
  ["half a line", (lines[3] ?? "").slice(0, 50), /^not JSON$/],
  ["a list", "[]", /^not a JSON object$/],
  ["null", "null", /^not a JSON object$/],
  ["another type", '{"type":"note"}', /^neither start, sample, step nor end$/],
  ["a name every object has", '{"type":"constructor"}', /^neither/],
  ["neither ok nor failed", JSON.stringify({ ...sample, ok: 1 }), /^neither/],
  [
    "no round trips",
    JSON.stringify({ ...sample, ...rtt, ok: true, kind: "pingpong", rtt_ns: [] }),
    /rtt_ns must NOT have fewer than 1/,
  ],
  [
    "a negative time",
    JSON.stringify({ ...sample, ok: true, kind: "pingpong", rtt_ns: [5, -1] }),
    /rtt_ns\.1 must be >= 1/,
  ],
  [
    "a time in words",
    JSON.stringify({ ...sample, ok: true, kind: "pingpong", rtt_ns: ["5"] }),
    /rtt_ns\.0 must be integer/,
  ],
  [
    "no connection",
    JSON.stringify({ ...sample, ok: true, kind: "connect", setup_ns: [] }),
    /setup_ns must NOT have fewer than 1/,
  ],
  [
    "a program without its command",
    program("iperf3", "tcp", 9, 1, 5, { command: undefined }),
    /must have required property 'command'/,
  ],
  ["a figure of nothing", program("redis-get", "tcp", 9, 1, 0), /figure must be > 0/],
  [
    "a program that does not say which way",
    program("iperf3", "v4v-sockets", 9, 1, 5, { ring_tx_bytes: undefined }),
    /must have required property 'ring_tx_bytes'/,
  ],
  [
    "a way in words",
    JSON.stringify({ ...sample, ...rtt, ok: true, kind: "pingpong", ring_tx_bytes: "ring" }),
    /ring_tx_bytes must be integer/,
  ],
  [
    "no size",
    JSON.stringify({ ...sample, size_bytes: undefined }),
    /must have required property 'size_bytes'/,
  ],
  [
    "a failure without a reason",
    JSON.stringify({ ...sample, ok: false, error: undefined }),
    /'error'/,
  ],
  ["a second start", lines[0] ?? "", /^a second start line$/],
  ["a sample twice", lines[1] ?? "", /^a second sample of step 1, pair domu1:domu2$/],
];

test.each(broken)("%s is reported with its line, the rest is used", async (_, line, problem) => {
  const file = await readSamples([asFile([...lines.slice(0, 3), line, ...lines.slice(3, 5)])]);
  expect(file.problems).toHaveLength(1);
  expect(file.problems[0]?.line).toBe(4);
  expect(file.problems[0]?.problem).toMatch(problem);
  expect(file.problems[0]?.excerpt).toBe(JSON.stringify(line.slice(0, 80)));
  expect(file.samples).toHaveLength(2);
});

test("what follows the end line is reported", async () => {
  const file = await readSamples([asFile([...lines, lines[2] ?? ""])]);
  expect(file.problems).toMatchObject([
    { line: lines.length + 1, problem: "follows the end line" },
  ]);
});

test("keys of later versions and agents that did not start are accepted", async () => {
  const start = JSON.parse(lines[0] ?? "") as { domains: object[] };
  start.domains[0] = {
    ...start.domains[0],
    kernel: null,
    cpus: null,
    error: "ssh: no route",
    more: 1,
  };
  const cpu = { ...sample, cpu_ns: { "0": 5, "1": 7 }, cpu_window_ns: 9 };
  const file = await readSamples([asFile([JSON.stringify(start), JSON.stringify(cpu)])]);
  expect(file.problems).toEqual([]);
  expect(file.samples[0]?.cpu_ns).toEqual({ "0": 5, "1": 7 });
  expect(file.start?.domains[0]).toMatchObject({ kernel: null, error: "ssh: no route" });
});
