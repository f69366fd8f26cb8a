import { describe, expect, it } from "vitest";
import { withoutEmulatorsFlags } from "../e2e/kernelLog.ts";

const trace = (where: string, flags: string) =>
  [
    "[  378.535500] ------------[ cut here ]------------",
    `[  378.537530] WARNING: CPU: 1 PID: 297 at ${where}`,
    `[  378.541648] RSP: e02b:ffffc900400f8cb8 EFLAGS: ${flags}`,
    "[  378.542916] Call Trace:",
    "[  378.551712] ---[ end trace 0000000000000000 ]---",
    "",
  ].join("\n");
const DEBUG = "arch/x86/kernel/traps.c:1120 exc_debug_kernel+0xca/0x160";

describe("a kernel's log without the emulator's flags", () => {
  it("lacks a debug exception with flags that no processor has, and nothing else", () => {
    const log = `[ 1.0] before\n${trace(DEBUG, "04688002")}[ 2.0] after\n`;
    expect(withoutEmulatorsFlags(log)).toBe("[ 1.0] before\n[ 2.0] after\n");
  });

  it.each([
    ["a debug exception as processors have it", trace(DEBUG, "00000346")],
    ["another warning with such flags", trace("mm/slub.c:1 kfree+0x1/0x2", "04688002")],
    ["one that is not whole", trace(DEBUG, "04688002").split("\n").slice(0, 3).join("\n")],
  ])("keeps %s", (_, log) => {
    expect(withoutEmulatorsFlags(log)).toBe(log);
  });

  it("keeps another warning before and behind it", () => {
    const other = trace("mm/slub.c:1 kfree+0x1/0x2", "00010286");
    expect(withoutEmulatorsFlags(other + trace(DEBUG, "04688002") + other)).toBe(other + other);
  });
});
