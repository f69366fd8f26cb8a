import { describe, expect, test } from "vitest";
import {
  judge,
  parsePci,
  type PciFunction,
  type PciHost,
} from "../../../../provider/xen/passthrough.ts";

const one = (address: string, parts: Partial<PciFunction> = {}): PciFunction => ({
  address,
  classCode: 0x030000,
  vendor: 0x10de,
  device: 0x1b80,
  driver: "nouveau",
  bootDisplay: false,
  resettable: true,
  users: [],
  ...parts,
});
const SOUND = one("0000:01:00.1", { classCode: 0x040300, device: 0x10f0, driver: "snd_hda_intel" });
const GPU = one("0000:01:00.0");
const OWN = one("0000:00:02.0", { vendor: 0x8086, bootDisplay: true, driver: "i915" });
const NETWORK = one("0000:02:00.0", { classCode: 0x020000, vendor: 0x8086, driver: "igb" });
const host = (...functions: PciFunction[]): PciHost => ({
  ...{ iommu: true, hvm: true, deviceModel: true },
  functions,
});
const addresses = (functions: PciFunction[]) => functions.map(({ address }) => address);

test("a card is taken with its sound, whichever function names it", () => {
  for (const wanted of [GPU.address, SOUND.address, "auto"]) {
    const { take, problems, warnings } = judge(host(OWN, GPU, SOUND, NETWORK), wanted, "gpu");
    expect([problems, warnings]).toEqual([[], []]);
    expect(addresses(take)).toEqual([GPU.address, SOUND.address]);
  }
});

test("a device need not be a display to be named", () => {
  expect(addresses(judge(host(NETWORK), NETWORK.address, "gpu").take)).toEqual([NETWORK.address]);
});

describe("auto", () => {
  test("finds none where there is none, which is no problem even without an IOMMU", () => {
    for (const functions of [[], [NETWORK]])
      expect(judge({ ...host(...functions), iommu: false }, "auto", "gpu")).toEqual({
        take: [],
        problems: [],
        warnings: [],
      });
  });

  test("says why none of those that are there will do", () => {
    const given = one("0000:04:00.0", { driver: "pciback", owner: "other" });
    const { take, problems, warnings } = judge(host(OWN, given), "auto", "gpu");
    expect({ take, problems }).toEqual({ take: [], problems: [] });
    expect(warnings).toEqual([
      expect.stringMatching(`^${OWN.address} is dom0's own display; `),
      "0000:04:00.0 is assigned to the domain other; end that domain or name another device",
    ]);
  });

  test("passes over what is in use or somebody else's", () => {
    const used = one("0000:03:00.0", { users: ["Xorg-17"] });
    const given = one("0000:04:00.0", { driver: "pciback", owner: "other" });
    expect(addresses(judge(host(used, given, GPU), "auto", "gpu").take)).toEqual([GPU.address]);
  });

  test("does not choose between two", () => {
    const { take, problems } = judge(host(GPU, one("0000:03:00.0")), "auto", "gpu");
    expect(take).toEqual([]);
    expect(problems).toEqual([
      "there are several devices to choose from, name one: " +
        "0000:01:00.0 (10de:1b80, class 0300), 0000:03:00.0 (10de:1b80, class 0300)",
    ]);
  });

  test("takes two functions of one card for one", () => {
    const second = one("0000:01:00.2");
    expect(addresses(judge(host(GPU, second), "auto", "gpu").take)).toEqual([
      GPU.address,
      second.address,
    ]);
  });
});

describe("nothing is taken, and it is said why,", () => {
  const cases: [string, PciHost, string, RegExp[]][] = [
    [
      "without an IOMMU",
      { ...host(GPU), iommu: false },
      GPU.address,
      [/uses no IOMMU.*switch VT-d or AMD-Vi on/],
    ],
    [
      "when the device is missing",
      host(GPU, NETWORK),
      "0000:09:00.0",
      [/^there is no PCI device 0000:09:00.0; display devices here: 0000:01:00.0 \(10de:1b80/],
    ],
    ["when there is no display either", host(NETWORK), "0000:09:00.0", [/here: none$/]],
    [
      "when dom0 uses it",
      host({ ...GPU, users: ["Xorg-812", "gpu-bench-9"] }),
      GPU.address,
      [/in use in dom0 by Xorg-812, gpu-bench-9 \(driver nouveau\); end that first/],
    ],
    [
      "when dom0 uses its sound",
      host(GPU, { ...SOUND, users: ["pulse-1"] }),
      GPU.address,
      [/^0000:01:00.1 is in use in dom0 by pulse-1/],
    ],
    ["when it is dom0's display", host(OWN), OWN.address, [/is dom0's own display/]],
    [
      "when another domain has it",
      host({ ...GPU, owner: "desktop" }),
      GPU.address,
      [/assigned to the domain desktop; end that domain or name another/],
    ],
    [
      "when it shares its device with something else",
      host(GPU, one("0000:01:00.2", { classCode: 0x010802 })),
      GPU.address,
      [/one function of a device whose others are something else: 0000:01:00.2 .*class 0108/],
    ],
    [
      "for a bridge",
      host(one("0000:00:1c.0", { classCode: 0x060400 })),
      "0000:00:1c.0",
      [/class 0604\) is a bridge/],
    ],
    [
      "all at once",
      { ...host({ ...GPU, users: ["Xorg-1"], bootDisplay: true, owner: "x" }), iommu: false },
      GPU.address,
      [/IOMMU/, /assigned/, /own display/, /in use/],
    ],
  ];
  test.each(cases)("%s", (_why, given, wanted, sentences) => {
    const { take, problems } = judge(given, wanted, "gpu");
    expect(take).toEqual([]);
    expect(problems).toHaveLength(sentences.length);
    sentences.forEach((sentence, i) => {
      expect(problems[i]).toMatch(sentence);
    });
  });
});

test("its own domU having it already is no obstacle", () => {
  const mine = { ...GPU, driver: "pciback", owner: "gpu" };
  expect(judge(host(mine), mine.address, "gpu")).toEqual({
    take: [mine],
    problems: [],
    warnings: [],
  });
});

test("what cannot be reset is taken with a warning", () => {
  const { take, warnings } = judge(host({ ...GPU, resettable: false }), GPU.address, "gpu");
  expect(take).toHaveLength(1);
  expect(warnings).toEqual([expect.stringMatching(/no way to reset 0000:01:00.0/)]);
});

test("dom0's words become functions", () => {
  const text = [
    "device_model",
    "virt_caps pv hvm hvm_directio pv_directio hap shadow",
    "owner 0000:01:00.0 my gpu",
    "function\t0000:01:00.0\t0x030000\t0x10de\t0x1b80\tpciback\t0\tflr bus\t",
    "function\t0000:00:10.0\t0x038000\t0x1234\t0x1111\t\t1\t\t Xorg-812 sh-9",
    "",
  ].join("\n");
  expect(parsePci(text)).toEqual({
    ...{ iommu: true, hvm: true, deviceModel: true },
    functions: [
      { ...GPU, driver: "pciback", owner: "my gpu" },
      {
        address: "0000:00:10.0",
        classCode: 0x038000,
        vendor: 0x1234,
        device: 0x1111,
        bootDisplay: true,
        resettable: false,
        users: ["Xorg-812", "sh-9"],
      },
    ],
  });
  const bare = { iommu: false, hvm: false, deviceModel: false, functions: [] };
  expect(parsePci("virt_caps pv hvm hap shadow\n")).toEqual({ ...bare, hvm: true });
  expect(parsePci("virt_caps pv pv_directio\n")).toEqual({ ...bare, iommu: true });
  expect(parsePci("")).toEqual(bare);
});
