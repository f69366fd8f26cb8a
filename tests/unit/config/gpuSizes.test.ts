import { describe, expect, test } from "vitest";
import { ConfigurationError, loadSettings } from "../../../config/load.ts";

/** What is wrong with a testbed with remote execution and these settings. */
function problems(given: Record<string, string>): readonly string[] {
  const all = { "remoteGpu.enabled": "true", ...given };
  try {
    loadSettings(
      Object.fromEntries(Object.entries(all).map(([key, value]) => [`p:${key}`, value])),
      "p",
    );
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

const ROOM = { "machine.memoryMiB": "32768" };

describe("sizes that fit are taken", () => {
  test.each([
    { "evaluation.gpuProducts": "1,64, 512 ,512", "evaluation.gpuStencils": "1024" },
    { "evaluation.gpuTransfers": "1,4KiB,16MiB,1024B" },
    { "evaluation.gpuProducts": "profile", "evaluation.gpuTransfers": " profile " },
    // 36 bytes an element in a client's 160 MiB, 48 in the GPU domU's 768 MiB.
    { "evaluation.gpuProducts": "2158" },
    { "evaluation.gpuProducts": "1672", "domU.memoryMiB": "192" },
    { ...ROOM, "evaluation.gpuProducts": "4096", "domU.memoryMiB": "1024" },
    // What is not measured needs no memory.
    { "evaluation.gpuProducts": "16384", "evaluation.profile": "none" },
    { "evaluation.gpuProducts": "16384", "evaluation.experiments": "latency" },
    { "evaluation.gpuProducts": "16384", "remoteGpu.enabled": "false" },
    {
      "evaluation.gpuProducts": "4096",
      "remoteGpu.enabled": "false",
      "gpu.device": "0000:00:10.0",
    },
  ])("%j", (given) => {
    expect(problems(given)).toEqual([]);
  });
});

describe("words that are no sizes are named with what is allowed", () => {
  test.each([
    [
      "gpuProducts",
      "64,16385,64KiB,0",
      /^"16385", "64KiB", "0" is no size of it; allowed is profile, or sides of matrices from 1 to 16384 such as 64,512$/,
    ],
    ["gpuStencils", ",", /^nothing is no size of it; /],
    [
      "gpuTransfers",
      "4KiB,1025MiB,64kB,profile",
      /^"1025MiB", "64kB", "profile" is no size of it; allowed is profile, or sizes from 1 to 1024MiB such as 4KiB,1MiB$/,
    ],
    [
      "gpuProducts",
      Array.from({ length: 65 }, (_, index) => index + 1).join(","),
      /^more than 64 sizes$/,
    ],
  ])("%s %s", (member, text, problem) => {
    const found = problems({ [`evaluation.${member}`]: text });
    expect(found).toHaveLength(1);
    const [sentence = ""] = found;
    expect(sentence.startsWith(`evaluation.${member}: `)).toBe(true);
    expect(sentence.slice(`evaluation.${member}: `.length)).toMatch(problem);
  });
});

describe("a matrix or a transfer larger than memory is refused before anything is made", () => {
  test("in a client's domU: what it needs, what there is, the largest that fits, what to raise", () => {
    expect(problems({ "evaluation.gpuProducts": "64,1673", "domU.memoryMiB": "192" })).toEqual([
      "evaluation.gpuProducts: a product of 1673 x 1673 needs 97 MiB in a client's domU, which has about 96 MiB of its 192 for it; " +
        "the largest there is a product of 1672 x 1672 (choose smaller ones, or raise domU.memoryMiB to 193)",
    ]);
  });

  test("in the GPU domU, which computes for itself, too", () => {
    const given = { ...ROOM, "domU.memoryMiB": "2048", "evaluation.gpuStencils": "4097" };
    expect(problems(given)).toEqual([
      "evaluation.gpuStencils: a stencil of 4097 x 4097 needs 769 MiB in the GPU domU, which has about 768 MiB of its 1024 for it; " +
        "the largest there is a stencil of 4096 x 4096 (choose smaller ones, or raise gpu.memoryMiB to 1025)",
    ]);
    expect(problems({ ...given, "gpu.memoryMiB": "1025" })).toEqual([]);
  });

  test("in both, and for several workloads: a sentence for each workload", () => {
    const found = problems({
      "evaluation.gpuProducts": "16384",
      "evaluation.gpuTransfers": "4KiB,1024MiB",
    });
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(
      /^evaluation\.gpuProducts: a product of 16384 x 16384 needs 12288 MiB in the GPU domU, .*\), and 9216 MiB in a client's domU, .*\)$/,
    );
    expect(found[1]).toMatch(
      /^evaluation\.gpuTransfers: a transfer of 1024 MiB needs 3073 MiB in the GPU domU, /,
    );
  });

  test("a profile's own transfers of 64 MiB are none for domUs that were made too small, and are said to be the profile's", () => {
    const given = { "evaluation.profile": "paper", "domU.memoryMiB": "224" };
    expect(problems(given)).toEqual([
      "evaluation.gpuTransfers: a transfer of 64 MiB, which profile paper has, needs 129 MiB in a client's domU, " +
        "which has about 128 MiB of its 224 for it; the largest there is a transfer of 65500 KiB " +
        "(choose smaller ones, or raise domU.memoryMiB to 225)",
    ]);
    expect(problems({ ...given, "domU.memoryMiB": "225" })).toEqual([]);
    expect(problems({ ...given, "evaluation.gpuTransfers": "4KiB,32MiB" })).toEqual([]);
  });
});
