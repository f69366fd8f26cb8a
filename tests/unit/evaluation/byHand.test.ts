import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findPoint } from "../../../evaluation/summary.ts";
import { useFolder } from "../helpers/folder.ts";
import { summaryOf } from "./measured.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";

const folder = useFolder();
const page = readFileSync(join(import.meta.dirname, "../../../docs/evaluation.md"), "utf8");
const command = /^```sh\n(node -e '[^]*?)^```$/m.exec(page)?.[1] ?? "";

test.each([
  ["v4v", 1],
  ["tcp", 1],
  ["v4v", 1 << 20],
] as const)(
  "the documented command gives the figures' numbers of %s at %d B",
  async (transport, size) => {
    // Step 3 failed: its repetition is in no number.
    const lines = syntheticLines(smokePlan(), undefined, [3]);
    const samples = folder("artifacts/latest/samples.jsonl");
    mkdirSync(dirname(samples), { recursive: true });
    writeFileSync(samples, asFile(lines));
    expect(command).toContain("samples.jsonl v4v 1\n");
    const asked = command.replace("samples.jsonl v4v 1\n", `samples.jsonl ${transport} ${size}\n`);
    const { status, stdout, stderr } = spawnSync("sh", ["-c", asked], {
      cwd: folder(),
      encoding: "utf8",
      timeout: 30_000,
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` },
    });
    expect([status, stderr]).toEqual([0, ""]);
    const { points } = await summaryOf(lines);
    const latency = findPoint(
      points,
      { experiment: "latency", metric: "half_rtt", sizeBytes: size, pairs: 1 },
      transport,
    );
    const bandwidth = findPoint(
      points,
      { experiment: "bandwidth", metric: "bandwidth", sizeBytes: size, pairs: 1 },
      transport,
    );
    expect(latency?.repetitions).toBeGreaterThanOrEqual(5);
    const found = /^(\d+) repetitions, half round trip (\S+) us, bandwidth (\S+) MB\/s\n$/.exec(
      stdout,
    );
    expect(Number(found?.[1])).toBe(latency?.repetitions);
    expect(Number(found?.[2])).toBeCloseTo(latency?.median ?? NaN, 9);
    expect(Number(found?.[3])).toBeCloseTo(bandwidth?.median ?? NaN, 9);
  },
);
