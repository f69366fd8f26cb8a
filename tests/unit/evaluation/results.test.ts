import { expect, test } from "vitest";
import { observations } from "../../../evaluation/observations.ts";
import {
  CsvError,
  formatCsv,
  parseCsv,
  resultRows,
  type ResultRow,
} from "../../../evaluation/results.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { connections, pingPong, program, stream } from "./measured.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";
import fc from "../helpers/property.ts";

/** Of results before there were the last three columns. */
const OLD_HEADING = "experiment,transport,metric,size_bytes,pairs,repetition,value,unit";
const HEADING = `${OLD_HEADING},computed_by,low,high`;

async function csvOf(lines: string[]): Promise<string> {
  const { samples } = await readSamples([asFile(lines)]);
  return formatCsv(resultRows(observations(samples).observed));
}

test("rows are the repetitions' medians: half round trip, size over it, received bytes over time", async () => {
  const csv = await csvOf([
    // Half round trips 100, 200 and 1000 us: median 200 us, 1 MB / 200 us = 5000 MB/s.
    pingPong(1, "v4v", 1_000_000, 2, [200_000, 2_000_000, 400_000]),
    // 150 and 250 us: median 200 us, though the bandwidths' own median would be 5333 MB/s.
    pingPong(2, "tcp", 1_000_000, 1, [300_000, 500_000]),
    stream(3, "tcp", 4096, 50_000_000, 1_000_000_000),
  ]);
  expect(csv).toBe(
    [
      HEADING,
      "bandwidth,tcp,bandwidth,1000000,1,1,5000,MB/s,,,",
      "bandwidth,v4v,bandwidth,1000000,1,2,5000,MB/s,,,",
      "latency,tcp,half_rtt,1000000,1,1,200,us,,,",
      "latency,v4v,half_rtt,1000000,1,2,200,us,,,",
      "stream,tcp,bandwidth,4096,1,1,50,MB/s,,,",
      "",
    ].join("\n"),
  );
});

test("a smoke run gives one row a step and one more for each ping-pong", async () => {
  const rows = parseCsv(await csvOf(syntheticLines(smokePlan(), undefined, [3])));
  const failed = smokePlan().steps[2]?.kind === "pingpong" ? 2 : 1;
  expect(rows).toHaveLength(6 * 2 * (11 * 2 + 3) - failed);
  expect(new Set(rows.map((row) => `${row.experiment} ${row.metric} ${row.unit}`))).toEqual(
    new Set(["latency half_rtt us", "bandwidth bandwidth MB/s", "stream bandwidth MB/s"]),
  );
});

test("what cannot be evaluated is named with its reason, never dropped", async () => {
  const { samples } = await readSamples([
    asFile([
      pingPong(1, "tcp", 1, 1, [5], { ok: false, error: "connect: refused" }),
      pingPong(2, "tcp", 1, 1, [5], { pairs: 2 }),
      pingPong(3, "tcp", 1, 1, [5], { experiment: "apps" }),
      stream(4, "v4v", 1, 1, 0),
    ]),
  ]);
  const { observed, unused } = observations(samples);
  expect(observed).toEqual([]);
  expect(unused.map(({ step, failed, reason }) => [step, failed, reason])).toEqual([
    [1, true, "connect: refused"],
    [2, false, "2 pairs at a time are not evaluated yet"],
    [3, false, "experiment apps of kind pingpong is not evaluated yet"],
    [4, true, "all payload arrived at once: no time to divide by"],
  ]);
});

const field = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", " ", "é") }),
);
const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Object.is(value, -0));
const row: fc.Arbitrary<ResultRow> = fc.record({
  experiment: field,
  transport: field,
  metric: field,
  sizeBytes: fc.nat(),
  pairs: fc.nat(),
  repetition: fc.nat(),
  value: number,
  unit: field,
  computedBy: field,
  low: fc.option(number),
  high: fc.option(number),
});

test("any rows survive being written and read", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
      expect(parseCsv(formatCsv(rows))).toEqual(rows);
    }),
  );
});

const ONE = {
  experiment: "a,b",
  transport: 'say "v4v"',
  metric: "m",
  sizeBytes: 1,
  pairs: 1,
  repetition: 2,
  value: 0.5,
  unit: "us",
  ...{ computedBy: "", low: null, high: null },
};

test("RFC 4180: CRLF, quotes, further and reordered columns", () => {
  expect(parseCsv(`${OLD_HEADING}\r\n"a,b","say ""v4v""",m,1,1,2,0.5,us\r\n`)).toEqual([ONE]);
  expect(formatCsv([ONE])).toBe(`${HEADING}\n"a,b","say ""v4v""",m,1,1,2,0.5,us,,,\n`);
  const whole = { ...ONE, computedBy: "cpu", low: 0.25, high: 1 };
  expect(formatCsv([whole])).toContain(",0.5,us,cpu,0.25,1\n");
  const more = "note,unit,value,repetition,pairs,size_bytes,metric,transport,experiment";
  expect(parseCsv(`${more}\nx,us,5e-1,2,1,1,m,"say ""v4v""","a,b"`)).toEqual([ONE]);
});

test.each([
  ["", /no column experiment, transport/],
  [`${OLD_HEADING.replace(",unit", "")}\n`, /record 1: no column unit/],
  [`${OLD_HEADING}\na,b,m,1,1,1,2\n`, /record 2: 7 fields, not 8/],
  [
    `${OLD_HEADING}\na,b,m,1,1,1,2,us\na,b,m,1,1,1,fast,us\n`,
    /record 3: value is "fast", not a number/,
  ],
  [`${OLD_HEADING}\na,b,m,,1,1,2,us\n`, /size_bytes is "", not a number/],
  [`${OLD_HEADING}\na,b,m,0x10,1,1,2,us\n`, /size_bytes is "0x10", not a number/],
  [`${OLD_HEADING}\na,b,m,1,1,1,1e999,us\n`, /value is "1e999", not a number/],
  [`${OLD_HEADING}\na,"b"c,m,1,1,1,2,us\n`, /record 2: a quote out of place/],
  [`${OLD_HEADING}\na,"b,m,1,1,1,2,us\n`, /record 2: a quote out of place/],
])("a broken csv is refused (%#)", (text, message) => {
  expect(() => parseCsv(text)).toThrow(message);
  expect(() => parseCsv(text)).toThrow(CsvError);
});

test("a connection's set-up is a row in us, the median of its repetition's", async () => {
  const [line = ""] = connections("v4v-sockets", 1, 900);
  const three = JSON.stringify({ ...(JSON.parse(line) as object), setup_ns: [1e6, 3e6, 1.5e6] });
  expect((await csvOf([three])).split("\n")[1]).toBe("connect,v4v-sockets,setup,1,1,1,1500,us,,,");
});

test("a program's own figure is a row of its repetition, in its own unit", async () => {
  const csv = await csvOf([
    program("iperf3", "v4v-sockets", 1, 2, 812.5),
    program("redis-get", "unix", 2, 1, 8333.34),
  ]);
  expect(csv.split("\n").slice(1, 4)).toEqual([
    "apps-iperf3,v4v-sockets,bandwidth,131072,1,2,812.5,MB/s,,,",
    "apps-iperf3,v4v-sockets,net_share,131072,1,2,0.015,1,,,",
    "apps-redis-get,unix,rate,3,1,1,8333.34,1/s,,,",
  ]);
});
