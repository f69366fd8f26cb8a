import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { styleOf } from "../../../evaluation/figures.ts";
import {
  BASELINE,
  settingsOf,
  STOCK,
  TRANSPORTS,
  transportLabel,
} from "../../../evaluation/transports.ts";

const source = (file: string): string =>
  readFileSync(new URL(`../../../benchmarks/v4v-bench/${file}`, import.meta.url), "utf8");

test("they are v4v-bench's, in its order", () => {
  const table = /transports\[\] = \{([^}]*)\}/.exec(source("names.c"))?.[1] ?? "";
  expect([...table.matchAll(/= "([^"]+)"/g)].map((match) => match[1])).toEqual(TRANSPORTS);
});

test("what the manifest says of their set-up is what v4v-bench does", () => {
  const shifted = (file: string, name: string): number => {
    const match = new RegExp(`define ${name} \\((\\d+)u << (\\d+)\\)`).exec(source(file));
    return Number(match?.[1]) << Number(match?.[2]);
  };
  const buffer = shifted("v4v_bench.h", "BENCH_SOCKET_BUFFER");
  expect(settingsOf(BASELINE)).toBe(`AF_INET; TCP_NODELAY; SO_SNDBUF and SO_RCVBUF ${buffer}`);
  expect(settingsOf(STOCK)).toMatch(/^AF_INET; no options/);
  expect(settingsOf("vchan")).toMatch(`two rings of ${shifted("vchan.h", "VCHAN_RING_BYTES")}`);
});

test("each has a name and a style of its own", () => {
  const each = <T>(of: (transport: (typeof TRANSPORTS)[number]) => T) =>
    new Set(TRANSPORTS.map(of));
  expect(each(transportLabel).size).toBe(TRANSPORTS.length);
  expect(each((one) => styleOf(one).colour).size).toBe(TRANSPORTS.length);
  expect(each((one) => JSON.stringify(styleOf(one).dash)).size).toBe(TRANSPORTS.length);
  expect(each(settingsOf).size).toBe(TRANSPORTS.length);
});
