import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Refused, type Prior, type Properties } from "../../../../provider/resource.ts";
import { hypervisorResource as hypervisor } from "../../../../provider/resources/hypervisor.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { hostInFolder } from "../../helpers/hostInFolder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

/**
 * A host with GRUB's rules: an entry that is chosen for one boot goes before the default, and is forgotten by that boot. It runs
 * the build id that the file `runs` holds, or boots its own entry instead as long as there is a file `broken`.
 */
const reboot = (host: string) => `
cd '${host}'
# What the toolstack waits for, if it does.
[ "$*" != "start xen.service" ] || rm -f silent
[ "$1" = reboot ] || exit 0
echo booted >>boots
entry=$(sed -n 's/^next_entry=//p' boot/grub/grubenv)
# It is emptied then, not taken out.
[ -z "$entry" ] || echo next_entry= >boot/grub/grubenv
[ -n "$entry" ] || ! grep -q 'set default=v4v-testbed' boot/grub/custom.cfg 2>/dev/null || entry=v4v-testbed
cat /proc/sys/kernel/random/uuid >proc/sys/kernel/random/boot_id
rm -rf proc/xen run/v4v-trial-confirmed
echo ro quiet >proc/cmdline
if [ "$entry" = v4v-testbed ] && [ ! -e broken ]; then
  mkdir proc/xen
  echo control_d >proc/xen/capabilities
  echo ro quiet v4v_testbed >proc/cmdline
fi`;

const EDITENV = `
touch "$1"
case $2 in
list) cat "$1" ;;
set) echo "$3" >"$1" ;;
unset) : >"$1" ;;
esac`;

let inputs: Properties;
const at = (path: string) => folder(`host/${path}`);

beforeEach(async () => {
  for (const path of [
    "boot/grub",
    "run",
    "etc/systemd/system/multi-user.target.wants",
    "proc/sys/kernel/random",
  ])
    mkdirSync(at(path), { recursive: true });
  writeFileSync(at("proc/sys/kernel/random/boot_id"), "first\n");
  writeFileSync(at("proc/cmdline"), "ro quiet\n");
  // Its clock is another test's.
  writeFileSync(at("run/v4v-clock-is-right"), "");
  writeFileSync(at("runs"), "b001d");
  writeFileSync(at("domains"), "");
  const programs = standIns(folder("bin"), {
    systemctl: reboot(folder("host")),
    "grub-editenv": EDITENV,
    xl: `
[ ! -e '${at("silent")}' ] || exit 1
[ "$1" = list ] && { echo Name; echo Domain-0; cat '${at("domains")}'; exit; }
echo "build_id : $(cat '${at("runs")}')"
echo "xen_version : 4.20"
echo "xen_commandline : placeholder v4v=1"`,
  });
  const { connection } = await farSide({ behaviour: hostInFolder(folder("host"), programs) });
  writeFileSync(folder("xen.gz"), "a hypervisor");
  inputs = {
    connection: { ...connection },
    incarnation: "1",
    image: folder("xen.gz"),
    buildId: "b001d",
    bootEntry: "menuentry 'ours' --id v4v-testbed {\n}\n",
    imagePath: "/boot/v4v-testbed/xen.gz",
    commandLine: "placeholder v4v=1",
    bootTimeout: 30,
    trial: true,
  };
});

const prior = (outputs: Properties = {}): Prior => ({ id: "x", inputs, outputs });
const custom = () => readFileSync(at("boot/grub/custom.cfg"), "utf8");
const boots = () =>
  existsSync(at("boots")) ? readFileSync(at("boots"), "utf8").split("\n").length - 1 : 0;

describe("a hypervisor on a host that stays", () => {
  test("is booted once, and is the default when it has come up", async () => {
    const outputs = await hypervisor.ensure(recordedContext(), inputs, undefined);
    expect(outputs).toMatchObject({ runningBuildId: "b001d", version: "4.20" });
    expect(boots()).toBe(1);
    expect(custom()).toContain("set default=v4v-testbed");
    expect(existsSync(at("run/v4v-trial-confirmed"))).toBe(true);
    // A second time there is nothing to boot.
    await hypervisor.ensure(recordedContext(), inputs, prior(outputs));
    expect(boots()).toBe(1);
    expect(hypervisor.diff?.(prior(outputs), inputs).changed).toEqual([]);
  });

  test("that does not boot leaves the host with its own entry", async () => {
    writeFileSync(at("broken"), "");
    await expect(hypervisor.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
      /came back by its own boot entry, without Xen/,
    );
    expect(custom()).not.toContain("set default");
    expect(boots()).toBe(1);
    // Mended, it goes on from there.
    rmSync(at("broken"));
    await hypervisor.ensure(recordedContext(), inputs, prior());
    expect(custom()).toContain("set default");
  });

  test("gives the default back before a newer one is tried, so that one may fail", async () => {
    await hypervisor.ensure(recordedContext(), inputs, undefined);
    const newer = { ...inputs, buildId: "another" };
    writeFileSync(at("broken"), "");
    await expect(hypervisor.ensure(recordedContext(), newer, prior())).rejects.toThrow(
      /its own boot entry/,
    );
    expect(custom()).not.toContain("set default");
  });

  test("of another build than was asked for is not made the default", async () => {
    writeFileSync(at("runs"), "somebody's");
    await expect(hypervisor.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
      /hypervisor somebody's .*expected were b001d/,
    );
    expect(custom()).not.toContain("set default");
  });

  test("does not end domUs that are not the testbed's, before the first boot or a later one", async () => {
    // The owner's hypervisor, then the testbed's.
    mkdirSync(at("proc/xen"));
    writeFileSync(at("proc/xen/capabilities"), "control_d\n");
    writeFileSync(at("runs"), "the owner's");
    const run = (...names: string[]) => {
      const lines = names.map((name) => `${name} 7 512 1 r----- 3.2\n`);
      writeFileSync(at("domains"), lines.join(""));
    };
    run("web");
    const first = hypervisor.ensure(recordedContext(), inputs, undefined);
    await expect(first).rejects.toThrow(/runs web, which the reboot into the hypervisor would end/);
    await expect(first).rejects.toThrow(Refused);
    expect(boots()).toBe(0);
    expect(existsSync(at("boot/grub/custom.cfg"))).toBe(false);
    run();
    writeFileSync(at("runs"), "b001d");
    const outputs = await hypervisor.ensure(
      recordedContext(),
      { ...inputs, commandLine: "placeholder v4v=1" },
      undefined,
    );
    const newer = { ...inputs, buildId: "another" };
    // One of the testbed's own may go: it comes back.
    symlinkSync("x", at("etc/systemd/system/multi-user.target.wants/v4v-domu@domu1.service"));
    run("domu1", "web");
    const before = boots();
    await expect(hypervisor.ensure(recordedContext(), newer, prior(outputs))).rejects.toThrow(
      /runs web, which/,
    );
    expect(boots()).toBe(before);
    run("domu1");
    writeFileSync(at("runs"), "another");
    await hypervisor.ensure(
      recordedContext(),
      { ...newer, bootEntry: "menuentry 'n' {\n}\n" },
      prior(outputs),
    );
    expect(boots()).toBe(before + 1);
  });

  test("is not taken to be another one before its toolstack answers", async () => {
    const outputs = await hypervisor.ensure(recordedContext(), inputs, undefined);
    writeFileSync(at("silent"), "");
    await hypervisor.ensure(recordedContext(), inputs, prior(outputs));
    expect(boots()).toBe(1);
    writeFileSync(at("silent"), "");
    const context = recordedContext();
    writeFileSync(at("domains"), "web 7 512 1 r----- 3.2\n");
    await hypervisor.delete(context, prior(outputs));
    expect(context.warnings.join("\n")).toMatch(/runs web and is not rebooted/);
    expect(boots()).toBe(1);
  });

  test("does not come onto a Xen host that does not tell which domUs run", async () => {
    mkdirSync(at("proc/xen"));
    writeFileSync(at("proc/xen/capabilities"), "control_d\n");
    writeFileSync(at("silent"), "");
    await expect(hypervisor.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
      /does not tell which domUs run/,
    );
    expect(boots()).toBe(0);
    expect(existsSync(at("boot/grub/custom.cfg"))).toBe(false);
  });

  test("with another entry for the same hypervisor boots that once, too", async () => {
    const outputs = await hypervisor.ensure(recordedContext(), inputs, undefined);
    const other = { ...inputs, bootEntry: "menuentry 'newer' --id v4v-testbed {\n}\n" };
    await hypervisor.ensure(recordedContext(), other, prior(outputs));
    expect(boots()).toBe(2);
    expect(custom()).toContain("'newer'");
  });
});

describe("its end", () => {
  test("gives the host its own entry back, and boots that", async () => {
    const outputs = await hypervisor.ensure(recordedContext(), inputs, undefined);
    await hypervisor.delete(recordedContext(), prior(outputs));
    expect(existsSync(at("boot/grub/custom.cfg"))).toBe(false);
    expect(readFileSync(at("boot/grub/grubenv"), "utf8")).toBe("");
    expect(readFileSync(at("proc/cmdline"), "utf8")).toBe("ro quiet\n");
    expect(boots()).toBe(2);
    // Interrupted after that, it has nothing left to do.
    await hypervisor.delete(recordedContext(), prior(outputs));
    expect(boots()).toBe(2);
  });

  test("does not reboot a host that runs domUs of its own", async () => {
    const outputs = await hypervisor.ensure(recordedContext(), inputs, undefined);
    writeFileSync(at("domains"), "web 7 512 1 r----- 3.2\n");
    const context = recordedContext();
    await hypervisor.delete(context, prior(outputs));
    expect(boots()).toBe(1);
    expect(context.warnings.join("\n")).toMatch(/runs web and is not rebooted/);
    expect(existsSync(at("boot/grub/custom.cfg"))).toBe(false);
  });
});
