import { describe, expect, test } from "vitest";
import { loadSettings } from "../../../config/load.ts";
import type { Settings } from "../../../config/types.ts";

const load = (given: Record<string, string>): Settings =>
  loadSettings(
    Object.fromEntries(Object.entries(given).map(([key, value]) => [`p:${key}`, value])),
    "p",
  );

const remotely = (given: Record<string, string> = {}): Settings =>
  load({ "remoteGpu.enabled": "true", ...given });

describe("with remote GPU execution", () => {
  test.each(["none", "smoke", "quick", "paper", "full"])(
    "profile %s is taken with no other setting, and has the domUs that every profile has",
    (profile) => {
      const { domU, evaluation } = remotely({ "evaluation.profile": profile });
      expect(domU.memoryMiB).toBe(256);
      expect(evaluation.timeout).toBe(7200);
    },
  );

  test.each([
    { "domU.memoryMiB": "192" },
    { domU: '{"memoryMiB":192}' },
    { domU: '{"vcpus":2}', "domU.memoryMiB": "192" },
  ])("memory that is given is what is taken: %j", (given) => {
    const { domU, evaluation } = remotely(given);
    expect(domU.memoryMiB).toBe(192);
    expect(evaluation.timeout).toBe(7200);
  });

  test("so is a time that is given, and neither is where another member of its group is", () => {
    const given = { "evaluation.timeout": "900", domU: '{"vcpus":2}' };
    expect(remotely(given).evaluation.timeout).toBe(900);
    expect(remotely(given).domU).toMatchObject({ memoryMiB: 256, vcpus: 2 });
  });

  test("the domUs of the default machine are counted with it", () => {
    expect(remotely({ vmCount: "14" }).vmCount).toBe(14);
    expect(() => remotely({ vmCount: "15" })).toThrow(
      /15 domUs of 256 MiB need a machine of \d+ MiB, .* \(lower vmCount or domU\.memoryMiB, or raise machine\.memoryMiB\)/,
    );
    expect(remotely({ vmCount: "16", "domU.memoryMiB": "192" }).vmCount).toBe(16);
  });
});

test("without it the schema's defaults stand, with a GPU domU, too", () => {
  for (const given of [{}, { "gpu.device": "0000:00:10.0" }]) {
    expect(load(given).domU.memoryMiB).toBe(192);
    expect(load(given).evaluation.timeout).toBe(900);
  }
});
