import { expect, test } from "vitest";
import { cautionOf, stampOf } from "../../../evaluation/accelerator.ts";
import { counted, formatChange, formatNumber, formatSize } from "../../../evaluation/format.ts";
import { compareTransports, transportLabel } from "../../../evaluation/transports.ts";

test.each([
  [1, "1 B"],
  [1000, "1000 B"],
  [1024, "1 KiB"],
  [1536, "1536 B"],
  [262_144, "256 KiB"],
  [1_048_576, "1 MiB"],
  [1_049_600, "1025 KiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test.each([
  [0, "0"],
  [0.000498, "0.000498"],
  [0.19, "0.190"],
  [4.5888, "4.59"],
  [99.96, "100"],
  [999.6, "1000"],
  [2012.4, "2012"],
  [-3.14159, "-3.14"],
  [Number.NaN, "–"],
])("%d is shown as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("changes and counts", () => {
  expect([0.19, 1.15, 1].map(formatChange)).toEqual(["−81%", "+15%", "+0%"]);
  expect([0, 1, 2].map((count) => counted(count, "sample"))).toEqual([
    "0 samples",
    "1 sample",
    "2 samples",
  ]);
});

test("accelerators are told apart", () => {
  expect(stampOf("tcg")).toBe("Xen in QEMU TCG (emulated)");
  expect(stampOf("kvm")).toMatch(/KVM/);
  expect(cautionOf("tcg")).not.toBe(cautionOf("kvm"));
});

test("transports have labels and an order; unknown ones keep their names", () => {
  expect(["v4v", "zeta", "tcp-stock", "alpha", "tcp"].sort(compareTransports)).toEqual([
    "tcp",
    "tcp-stock",
    "v4v",
    "alpha",
    "zeta",
  ]);
  expect(["v4v", "constructor"].map(transportLabel)).toEqual(["V4V", "constructor"]);
});
