import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import { passthroughResource as passthrough } from "../../../../provider/resources/passthrough.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const CARD = "0000:01:00.0";
const SOUND = "0000:01:00.1";

const deviceFolder = (address: string) => folder(`sys/bus/pci/devices/${address}`);

/** A function as sysfs shows it; drivers are folders, as there. */
function plug(address: string, classCode: string, driver: string): void {
  mkdirSync(deviceFolder(address), { recursive: true });
  const files = {
    class: classCode,
    vendor: "0x10de",
    device: "0x1b80",
    reset: "",
    reset_method: "bus",
  };
  for (const [name, content] of Object.entries(files))
    writeFileSync(`${deviceFolder(address)}/${name}`, `${content}\n`);
  if (driver === "") return;
  mkdirSync(folder(`sys/bus/pci/drivers/${driver}`), { recursive: true });
  symlinkSync(`../../drivers/${driver}`, `${deviceFolder(address)}/driver`);
}

/** Name of a function's driver; empty without one. */
function driverOf(address: string): string {
  try {
    return basename(readlinkSync(`${deviceFolder(address)}/driver`));
  } catch {
    return "";
  }
}

/** xl that moves the links of that sysfs. Without a note of its own it gives back no driver, as after a reboot of dom0. */
const XL = (sys: string, notes: string) => `
link=${sys}/bus/pci/devices/$2/driver
case "$1" in
info) cat ${notes}/info ;;
domname) echo somebody ;;
pci-assignable-add)
  [ ! -e ${notes}/refuse-$2 ] || { echo "no IOMMU group" >&2; exit 1; }
  [ ! -e "$link" ] || readlink "$link" >${notes}/$2
  rm -f "$link"; mkdir -p ${sys}/bus/pci/drivers/pciback; ln -s ../../drivers/pciback "$link" ;;
pci-assignable-remove)
  [ "$2" = -r ]
  link=${sys}/bus/pci/devices/$3/driver
  rm "$link"
  [ ! -e ${notes}/$3 ] || ln -s "$(cat ${notes}/$3)" "$link" ;;
esac`;

async function given(): Promise<Properties> {
  mkdirSync(folder("notes"));
  writeFileSync(folder("notes/info"), "virt_caps              : pv hvm hvm_directio\n");
  const programs = standIns(folder("bin"), {
    xl: XL(folder("sys"), folder("notes")),
    // With who has the card at that moment.
    systemctl: `echo "$* $(basename "$(readlink '${deviceFolder(CARD)}/driver')")" >>'${folder("systemctl")}'; exit 5`,
    modprobe: `echo "$*" >>'${folder("modprobe")}'`,
    "xenstore-ls": `cat '${folder("notes/store")}' 2>/dev/null`,
  });
  plug(CARD, "0x030000", "nouveau");
  plug(SOUND, "0x040300", "");
  plug("0000:02:00.0", "0x020000", "igb");
  const { connection } = await farSide({ programs });
  return {
    connection: { ...connection },
    dom0BootId: "b",
    device: CARD,
    domain: "gpu",
    guestType: "pv",
    driver: "none",
    folder: folder("far/passthrough"),
    sysfs: folder("sys"),
  };
}

const ensure = (inputs: Properties) => passthrough.ensure(recordedContext(), inputs, undefined);
const prior = (inputs: Properties, outputs: Properties): Prior => ({ id: "x", inputs, outputs });

test("every function goes to pciback, and comes back to the driver that it had", async () => {
  const inputs = await given();
  const outputs = await ensure(inputs);
  const taking: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(outputs).toEqual({ functions: [CARD, SOUND], guestType: "pv", taking });
  expect([driverOf(CARD), driverOf(SOUND), driverOf("0000:02:00.0")]).toEqual([
    "pciback",
    "pciback",
    "igb",
  ]);
  expect(readFileSync(folder("modprobe"), "utf8")).toBe("xen-pciback\n");
  await passthrough.delete(recordedContext(), prior(inputs, outputs));
  expect([driverOf(CARD), driverOf(SOUND)]).toEqual(["nouveau", ""]);
  expect(existsSync(folder("far/passthrough"))).toBe(false);
  // That it is given back already is no error.
  await passthrough.delete(recordedContext(), prior(inputs, outputs));
});

test("a host that runs no HVM domU is found out before anything is touched", async () => {
  const inputs = { ...(await given()), guestType: "hvm" };
  writeFileSync(folder("notes/info"), "virt_caps              : pv pv_directio\n");
  await expect(ensure(inputs)).rejects.toThrow(
    "gpu.type: gpu.type is hvm, and the hypervisor runs none (xl info shows no hvm)",
  );
  expect(driverOf(CARD)).toBe("nouveau");
  expect(existsSync(folder("modprobe"))).toBe(false);
  // A card of NVIDIA's needs one, whether it is asked for or not.
  await expect(ensure({ ...inputs, guestType: "auto" })).rejects.toThrow(
    `NVIDIA's ${CARD} needs an HVM domU, and the hypervisor runs none`,
  );
});

test("NVIDIA's driver is for NVIDIA's cards: another device is not taken for it", async () => {
  const inputs: Properties = { ...(await given()), driver: "nvidia" };
  await expect(ensure({ ...inputs, device: "0000:02:00.0" })).rejects.toThrow(
    "gpu.driver: nvidia is for a card of NVIDIA's, and not for 0000:02:00.0 (10de:1b80)",
  );
  expect(existsSync(folder("modprobe"))).toBe(false);
  const context = recordedContext();
  await passthrough.ensure(context, inputs, undefined);
  expect(context.warnings.join()).toContain("never run NVIDIA's driver on hardware");
  // And a card without it is one that does not compute.
  const bare = recordedContext();
  await passthrough.ensure(bare, { ...inputs, driver: "none" }, undefined);
  expect(bare.warnings.join()).toContain("on which nothing computes without its driver");
});

test("NVIDIA's driver for another kernel than dom0's is found out before anything is touched", async () => {
  const inputs: Properties = { ...(await given()), driver: "nvidia" };
  const running = execFileSync("uname", ["-r"], { encoding: "utf8" }).trim();
  await expect(ensure({ ...inputs, driverKernel: "6.1.0-other" })).rejects.toThrow(
    `gpu.driver: its modules are built for kernel 6.1.0-other, and the host runs ${running}`,
  );
  expect(driverOf(CARD)).toBe("nouveau");
  expect(existsSync(folder("modprobe"))).toBe(false);
  expect(await ensure({ ...inputs, driverKernel: running })).toMatchObject({
    functions: [CARD, SOUND],
  });
});

test("auto takes the one display device, and says so if there is none", async () => {
  const inputs = { ...(await given()), device: "auto" };
  expect(await ensure(inputs)).toMatchObject({ functions: [CARD, SOUND], guestType: "pv" });
  await passthrough.delete(recordedContext(), prior(inputs, { functions: [CARD, SOUND] }));
  writeFileSync(`${deviceFolder(CARD)}/class`, "0x010000\n");
  await expect(ensure(inputs)).rejects.toThrow(
    "gpu.device: auto found no display device that dom0 can spare: it has none",
  );
  expect(driverOf(CARD)).toBe("nouveau");
});

test("taking it again changes nothing, not even what is remembered", async () => {
  const inputs = await given();
  await ensure(inputs);
  const outputs = await ensure(inputs);
  expect(readFileSync(folder(`far/passthrough/${CARD}`), "utf8")).toBe("nouveau\n");
  await passthrough.delete(recordedContext(), prior(inputs, outputs));
  expect(driverOf(CARD)).toBe("nouveau");
});

test("the domU ends before its device is given back, and is asked for again by whoever takes one", async () => {
  const inputs = await given();
  const outputs = await ensure(inputs);
  const again = await passthrough.ensure(recordedContext(), inputs, prior(inputs, outputs));
  expect(again).toEqual(outputs);
  expect(existsSync(folder("systemctl"))).toBe(false);
  await passthrough.delete(recordedContext(), prior(inputs, outputs));
  expect(readFileSync(folder("systemctl"), "utf8")).toBe("stop v4v-domu@gpu pciback\n");
  expect((await ensure(inputs)).taking).not.toBe(outputs.taking);
});

test("the driver is known even if the toolstack has forgotten it", async () => {
  const inputs = await given();
  const outputs = await ensure(inputs);
  rmSync(folder(`notes/${CARD}`));
  // Sysfs binds when an address is written to this file; here it is one that keeps it.
  await passthrough.delete(recordedContext(), prior(inputs, outputs));
  expect(readFileSync(folder("sys/bus/pci/drivers/nouveau/bind"), "utf8")).toBe(`${CARD}\n`);
});

test("a run that ends between two functions is undone as a whole", async () => {
  const inputs = await given();
  writeFileSync(folder(`notes/refuse-${SOUND}`), "");
  await expect(ensure(inputs)).rejects.toThrow(/taking the device from dom0 .*no IOMMU group/s);
  expect(driverOf(CARD)).toBe("pciback");
  await passthrough.delete(recordedContext(), prior(inputs, {}));
  expect(driverOf(CARD)).toBe("nouveau");
  expect(existsSync(folder("far/passthrough"))).toBe(false);
});

test("a device that has gone is forgotten", async () => {
  const inputs = await given();
  const outputs = await ensure(inputs);
  for (const address of [CARD, SOUND]) rmSync(deviceFolder(address), { recursive: true });
  await passthrough.delete(recordedContext(), prior(inputs, outputs));
  expect(existsSync(folder("far/passthrough"))).toBe(false);
});

test("what may not be taken is refused before anything is touched", async () => {
  const inputs = await given();
  writeFileSync(folder("notes/info"), "virt_caps              : pv hvm\n");
  const failed = ensure(inputs);
  await expect(failed).rejects.toThrow(/^gpu.device: the hypervisor uses no IOMMU/);
  await expect(failed).rejects.toHaveProperty("name", "Refused");
  expect(driverOf(CARD)).toBe("nouveau");
  expect(existsSync(folder("modprobe"))).toBe(false);
  await expect(ensure({ ...inputs, device: "0000:09:00.0" })).rejects.toThrow(
    /no PCI device 0000:09:00.0/,
  );
});

test("another domain's device is left to it", async () => {
  const inputs = await given();
  writeFileSync(
    folder("notes/store"),
    `/local/domain/0/backend/pci/7/0/num_devs = "1"\n/local/domain/0/backend/pci/7/0/dev-0 = "${CARD}"\n`,
  );
  await expect(ensure(inputs)).rejects.toThrow(/assigned to the domain somebody/);
});

test("an interface that is up is a user", async () => {
  const inputs = await given();
  mkdirSync(`${deviceFolder("0000:02:00.0")}/net/eth9`, { recursive: true });
  writeFileSync(`${deviceFolder("0000:02:00.0")}/net/eth9/operstate`, "up\n");
  await expect(ensure({ ...inputs, device: "0000:02:00.0" })).rejects.toThrow(
    /in use in dom0 by interface-eth9 \(driver igb\)/,
  );
});

test("so is a disk, however deep below the device", async () => {
  const inputs = await given();
  mkdirSync(`${deviceFolder("0000:02:00.0")}/virtio1/block/vda/vda1`, { recursive: true });
  await expect(ensure({ ...inputs, device: "0000:02:00.0" })).rejects.toThrow(
    /in use in dom0 by disk-vda \(driver igb\)/,
  );
});

test("read sees a function that dom0 has taken back, and the next run mends it", async () => {
  const inputs = await given();
  const outputs = await ensure(inputs);
  const seen = async () =>
    (await passthrough.read(recordedContext(), prior(inputs, outputs)))?.inputs ?? {};
  const changed = async () => inputDiff(prior(await seen(), outputs), inputs, passthrough).changed;
  expect(await changed()).toEqual([]);
  rmSync(`${deviceFolder(CARD)}/driver`);
  symlinkSync("../../drivers/nouveau", `${deviceFolder(CARD)}/driver`);
  expect((await seen()).state).toBe(`not kept for domUs: ${CARD}`);
  expect(await changed()).toEqual(["state"]);
  await ensure(inputs);
  expect(await changed()).toEqual([]);
});
