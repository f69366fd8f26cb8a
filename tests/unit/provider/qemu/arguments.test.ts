import { describe, expect, test } from "vitest";
import { FILES, qemuArguments, type MachineSpec } from "../../../../provider/qemu/arguments.ts";

const spec: MachineSpec = {
  marker: "v4v-testbed-0123",
  accelerator: "tcg",
  cpus: 2,
  memoryMiB: 6144,
  sshPort: 20_022,
  firmwareCode: "/firmware/code.fd",
};
const of = (parts: Partial<MachineSpec> = {}) => qemuArguments({ ...spec, ...parts });
/** Values of an option, in order. */
const values = (option: string, args = of()) =>
  args.flatMap((argument, i) => (argument === option ? [args[i + 1] ?? ""] : []));

test("every option stands before exactly one value", () => {
  const args = of();
  const options = new Set([
    "-name",
    "-smbios",
    "-machine",
    "-accel",
    "-cpu",
    "-smp",
    "-m",
    "-nodefaults",
    "-no-user-config",
    "-display",
    "-vga",
    "-sandbox",
    "-drive",
    "-netdev",
    "-device",
    "-chardev",
    "-serial",
    "-qmp",
  ]);
  const alone = new Set(["-nodefaults", "-no-user-config"]);
  for (let i = 0; i < args.length; i += alone.has(args[i] ?? "") ? 1 : 2)
    expect(options).toContain(args[i]);
});

test("size and port are those of the machine", () => {
  const args = of({ cpus: 5, memoryMiB: 3000, sshPort: 4321 });
  expect(values("-smp", args)).toEqual(["5"]);
  expect(values("-m", args)).toEqual(["3000M"]);
  expect(values("-netdev", args).join()).toContain("hostfwd=tcp:127.0.0.1:4321-:22");
});

test("the marker is one argument's part and nowhere else", () => {
  expect(of().filter((argument) => argument.includes(spec.marker))).toEqual([
    `type=11,value=${spec.marker}`,
  ]);
});

test("guests reach nothing, and nobody but this computer reaches the guest", () => {
  const [network = "", ...others] = values("-netdev");
  expect(others).toEqual([]);
  expect(network.split(",")).toContain("restrict=on");
  for (const forward of network.match(/hostfwd=[^,]*/g) ?? [])
    expect(forward).toContain("tcp:127.0.0.1:");
});

test("QEMU may start no programs and gain no rights, and shows no window", () => {
  expect(values("-sandbox").join()).toMatch(/^on,.*elevateprivileges=deny.*spawn=deny/);
  expect(values("-display")).toEqual(["none"]);
});

test("files are named relative to the run folder, whatever that is called; only firmware comes from elsewhere", () => {
  const paths = of().flatMap(
    (argument) => argument.match(/(?<=(?:file|path|file:|unix:)[=:]?)\/[^,]*/g) ?? [],
  );
  expect(paths).toEqual([spec.firmwareCode]);
  for (const name of Object.values(FILES)) expect(name).toMatch(/^[a-z.-]+[0-9]?$/);
});

test("the shared firmware is only read", () => {
  const [code = "", variables = ""] = values("-drive");
  expect(code.split(",")).toEqual(
    expect.arrayContaining(["readonly=on", `file=${spec.firmwareCode}`]),
  );
  expect(variables).toContain(FILES.firmwareVariables);
  expect(variables).not.toContain("readonly");
});

describe("the accelerator", () => {
  test("TCG runs a CPU that Xen is stable on, one thread a CPU", () => {
    const [accelerator] = values("-accel");
    const features = values("-cpu").join().split(",");
    expect(accelerator).toBe("tcg,thread=multi");
    for (const feature of ["+arat", "+svm", "+npt"]) expect(features).toContain(feature);
    expect(features).not.toContain("+erms");
    expect(features[0]).not.toBe("max");
  });

  test("KVM runs the computer's own", () => {
    const args = of({ accelerator: "kvm" });
    expect(values("-accel", args)).toEqual(["kvm"]);
    expect(values("-cpu", args)).toEqual(["host"]);
  });

  test("nothing else differs", () => {
    const without = (args: string[]) =>
      args.filter((_, i) => !["-accel", "-cpu"].includes(args[i - 1] ?? ""));
    expect(without(of({ accelerator: "kvm" }))).toEqual(without(of()));
  });
});

test("a machine with a GPU has an IOMMU before all devices, and a display at a place of its own", () => {
  const args = of({ gpu: true });
  const devices = values("-device", args);
  expect(devices[0]).toBe("intel-iommu,intremap=on,aw-bits=48");
  expect(devices).toContain("bochs-display,vgamem=64M,addr=0x10");
  expect(devices.filter((device) => !/^(intel-iommu|bochs-display),/.test(device))).toEqual(
    values("-device"),
  );
});

test("Xen has a timer that does not wrap while it sets the IOMMU up", () => {
  expect(values("-machine", of({ gpu: true }))).toEqual(["q35,hpet=on"]);
  expect(values("-machine", of({ hpet: true }))).toEqual(["q35,hpet=on"]);
  expect(values("-machine")).toEqual(["q35,hpet=off"]);
});

test("a machine without one is the same whether it says so or not", () => {
  expect(of({ gpu: false })).toEqual(of());
});
