import { describe, expect, test } from "vitest";
import { DEVICE_MODEL, guestTypeOf } from "../../../../provider/xen/guestType.ts";
import type { PciFunction, PciHost } from "../../../../provider/xen/passthrough.ts";

const one = (vendor: number, classCode = 0x030000): PciFunction => ({
  ...{ address: "0000:01:00.0", classCode, vendor, device: 1 },
  ...{ bootDisplay: false, resettable: true, users: [] },
});
const NVIDIA = one(0x10de);
const EMULATED = one(0x1234, 0x038000);
const host = (parts: Partial<PciHost> = {}): PciHost => ({
  ...{ iommu: true, hvm: true, deviceModel: true, functions: [] },
  ...parts,
});

describe("auto is what the device needs", () => {
  test.each([
    ["an emulated display", EMULATED, "pv"],
    ["NVIDIA's", NVIDIA, "hvm"],
    ["AMD's", one(0x1002, 0x038000), "hvm"],
    ["Intel's display", one(0x8086), "hvm"],
    ["Intel's network card", one(0x8086, 0x020000), "pv"],
  ] as const)("%s", (_what, device, type) => {
    expect(guestTypeOf(host(), [device], "auto")).toMatchObject({ type, problems: [] });
  });

  test("and one function is enough", () => {
    const sound = { ...one(0x10de, 0x040300), address: "0000:01:00.1" };
    expect(guestTypeOf(host(), [sound], "auto").type).toBe("pv");
    expect(guestTypeOf(host(), [sound, NVIDIA], "auto").type).toBe("hvm");
  });
});

test("what is asked for is given; a PV domU for what needs another is warned of", () => {
  expect(guestTypeOf(host(), [EMULATED], "hvm").type).toBe("hvm");
  const pv = guestTypeOf(host({ hvm: false, deviceModel: false }), [NVIDIA], "pv");
  expect(pv).toEqual({
    type: "pv",
    problems: [],
    warnings: ["gpu.type is pv: the driver of NVIDIA's 0000:01:00.0 is known to want an HVM domU"],
  });
  expect(guestTypeOf(host(), [EMULATED], "pv").warnings).toEqual([]);
});

test("an HVM domU is never given without saying that none has been run", () => {
  for (const [device, wish] of [
    [NVIDIA, "auto"],
    [EMULATED, "hvm"],
  ] as const)
    expect(guestTypeOf(host(), [device], wish).warnings.join()).toContain(
      "this testbed has never run an HVM domU",
    );
});

test("a host that cannot have one says what it lacks and why it should", () => {
  const { problems } = guestTypeOf(host({ hvm: false, deviceModel: false }), [NVIDIA], "auto");
  expect(problems).toEqual([
    "NVIDIA's 0000:01:00.0 needs an HVM domU, and the hypervisor runs none (xl info shows no hvm): switch AMD-V or VT-x on in the firmware's set-up",
    `NVIDIA's 0000:01:00.0 needs an HVM domU, and dom0 has no ${DEVICE_MODEL} for it: install qemu-system-xen there`,
  ]);
  expect(guestTypeOf(host({ deviceModel: false }), [EMULATED], "hvm").problems).toEqual([
    expect.stringMatching(/^gpu.type is hvm, and dom0 has no /),
  ]);
});
