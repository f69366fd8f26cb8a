import { describe, expect, it } from "vitest";
import { reason } from "../../../scripts/commands/test.ts";

const passes = Array.from({ length: 200 }, (_, number) => ` ✓ tests/unit/${number}.test.ts`);

describe("the reason of a failed suite", () => {
  it("starts at Vitest's heading, also where no test of its own failed", () => {
    const error = ["⎯⎯⎯⎯⎯⎯ Unhandled Errors ⎯⎯⎯⎯⎯⎯", "", "Error: read ECONNRESET"];
    const output = [...passes, ...error, "", "      Tests  200 passed (200)", ""].join("\n");
    expect(reason(output).split("\n").slice(0, 3)).toEqual(error);
  });

  it("is the end of what names none", () => {
    const output = [...passes, "not ok a_ring_is_bounded", "199 passed, 1 failed", ""].join("\n");
    expect(reason(output)).toMatch(/not ok a_ring_is_bounded\n199 passed, 1 failed$/);
    expect(reason(output).split("\n")).toHaveLength(40);
  });

  it("is bounded", () => {
    const output = ["⎯⎯ Failed Tests 900 ⎯⎯", ...passes].join("\n");
    expect(reason(output).split("\n")).toHaveLength(120);
  });
});
