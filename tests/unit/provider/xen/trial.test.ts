import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { XenBoot } from "../../../../provider/xen/boot.ts";
import { confirmTrial, prepareTrial, removeTrial } from "../../../../provider/xen/trial.ts";
import { Remote } from "../../../../provider/ssh/remote.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { useFolder } from "../../helpers/folder.ts";
import { hostInFolder } from "../../helpers/hostInFolder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

/** grub-editenv with a plain file; it is asked for `list`, `set NAME=VALUE` and `unset NAME`. */
const EDITENV = `
file=$1
touch "$file"
case $2 in
list) cat "$file" ;;
set) grep -v "^\${3%%=*}=" "$file" >"$file.2" || :; echo "$3" >>"$file.2"; mv "$file.2" "$file" ;;
unset) grep -v "^$3=" "$file" >"$file.2" || :; mv "$file.2" "$file" ;;
esac`;

const CUSTOM = () => folder("host/boot/grub/custom.cfg");
const GRUBENV = () => folder("host/boot/grub/grubenv");
const WANTS = () => folder("host/etc/systemd/system/multi-user.target.wants/v4v-trial.service");
const IMAGE = "/boot/v4v-testbed/xen.gz";

let remote: Remote;
let boot: XenBoot;

beforeEach(async () => {
  for (const path of ["boot/grub", "run", "etc/systemd/system/multi-user.target.wants"])
    mkdirSync(folder(`host/${path}`), { recursive: true });
  const programs = standIns(folder("bin"), { "grub-editenv": EDITENV, systemctl: "exit 0" });
  const behaviour = hostInFolder(folder("host"), programs);
  const { connection } = await farSide({ behaviour });
  remote = new Remote(connection, AbortSignal.timeout(30_000));
  writeFileSync(folder("xen.gz"), "a hypervisor");
  boot = {
    image: folder("xen.gz"),
    buildId: "b001d",
    bootEntry: "menuentry 'ours' --id v4v-testbed {\n\tmultiboot2 /boot/v4v-testbed/xen.gz\n}\n",
    imagePath: IMAGE,
    commandLine: "placeholder",
  };
});

const custom = () => readFileSync(CUSTOM(), "utf8");
const next = () => /^next_entry=(.*)$/m.exec(readFileSync(GRUBENV(), "utf8"))?.[1];

describe("a trial", () => {
  test("chooses the entry for one boot, leaves the default alone and sets a watch", async () => {
    await prepareTrial(remote, boot, 600);
    expect(readFileSync(folder(`host${IMAGE}`), "utf8")).toBe("a hypervisor");
    expect(custom()).toContain("menuentry 'ours'");
    expect(custom()).not.toContain("set default");
    expect(custom()).not.toContain("fallback");
    expect(next()).toBe("v4v-testbed");
    const unit = readFileSync(folder("host/etc/systemd/system/v4v-trial.service"), "utf8");
    expect(unit).toContain("ConditionKernelCommandLine=v4v_testbed");
    expect(unit).toContain("sleep 600");
    expect(lstatSync(WANTS()).isSymbolicLink()).toBe(true);
  });

  test("that has proved itself becomes the default, unless another entry is asked for once", async () => {
    await prepareTrial(remote, boot, 600);
    await confirmTrial(remote, boot);
    expect(custom()).toContain(
      'if [ -z "${boot_once}" ]; then set default=v4v-testbed; set fallback=0; fi',
    );
    expect(existsSync(folder("host/run/v4v-trial-confirmed"))).toBe(true);
    expect(existsSync(WANTS())).toBe(false);
  });

  test("of another hypervisor takes the default away from the one before", async () => {
    await confirmTrial(remote, boot);
    await prepareTrial(remote, { ...boot, bootEntry: "menuentry 'newer' {\n}\n" }, 600);
    expect(custom()).not.toContain("set default");
    expect(custom()).not.toContain("'ours'");
    expect(custom().match(/: begin/g)).toHaveLength(1);
  });
});

describe("what the host has in custom.cfg itself", () => {
  test.each([
    ["with an end of line", "set timeout=7\n# mine\n"],
    ["without one", "set timeout=7"],
  ])("stays as it is (%s)", async (_, own) => {
    writeFileSync(CUSTOM(), own, { mode: 0o640 });
    await prepareTrial(remote, boot, 600);
    await confirmTrial(remote, boot);
    await confirmTrial(remote, boot);
    expect(custom().startsWith(`${own.trimEnd()}\n# v4v-testbed: begin\n`)).toBe(true);
    await removeTrial(remote, IMAGE);
    expect(custom().trimEnd()).toBe(own.trimEnd());
  });

  test("is no file if there was none", async () => {
    await prepareTrial(remote, boot, 600);
    await removeTrial(remote, IMAGE);
    expect(existsSync(CUSTOM())).toBe(false);
    expect(existsSync(folder("host/boot/v4v-testbed"))).toBe(false);
    expect(existsSync(folder("host/etc/systemd/system/v4v-trial.service"))).toBe(false);
    expect(next()).toBeUndefined();
  });

  test("and an entry that somebody has chosen for the next boot stays chosen", async () => {
    writeFileSync(GRUBENV(), "next_entry=memtest\n");
    await removeTrial(remote, IMAGE);
    expect(next()).toBe("memtest");
  });
});
