import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const folder = useFolder();
const BACKEND = "backend/of/this";

/** Runs a hotplug script of dom0/ among stand-ins: what it called that changes something, and its exit code. */
function hotplug(script: string, action: string, answers: Record<string, string>) {
  const log = folder("log");
  const said = (name: string) => `echo "${name} $*" >>'${log}'`;
  const programs = standIns(folder("bin"), {
    "xenstore-read": `[ "$1" = ${BACKEND}/params ] && echo /images/root.ext4 || echo xenbr0`,
    "xenstore-write": said("xenstore-write"),
    ip: `${said("ip")}; cat >>'${log}'`,
    losetup: `case $* in *-j*) ;; *) ${said("losetup")} ;; esac`,
    stat: "echo 7:0",
    ...answers,
  });
  const { status } = spawnSync(
    "/bin/sh",
    [join(import.meta.dirname, "../../../dom0", script), action],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        PATH: [programs, process.env.PATH ?? ""].join(delimiter),
        XENBUS_PATH: BACKEND,
        vif: "vif7.0",
      },
    },
  );
  const calls = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { calls, code: status };
}

const CONNECTED = `${BACKEND}/hotplug-status connected`;

test("the first domU's disk gets a loop device that cannot be written", () => {
  const losetup = `case $* in *-j*) ;; *) echo "losetup $*" >>'${folder("log")}'; echo /dev/loop0 ;; esac`;
  expect(hotplug("disk-attach", "add", { losetup })).toEqual({
    calls: [
      "losetup -r -f --show /images/root.ext4",
      `xenstore-write ${BACKEND}/physical-device 7:0 ${CONNECTED}`,
    ],
    code: 0,
  });
});

test("the others share it", () => {
  expect(hotplug("disk-attach", "add", { losetup: "echo /dev/loop3" }).calls).toEqual([
    `xenstore-write ${BACKEND}/physical-device 7:0 ${CONNECTED}`,
  ]);
});

test("without a loop device the toolstack hears why at once", () => {
  const { calls, code } = hotplug("disk-attach", "add", {
    losetup: "case $* in *-j*) ;; *) exit 1 ;; esac",
  });
  expect(calls).toEqual([
    `xenstore-write ${BACKEND}/hotplug-error no loop device for /images/root.ext4 ${BACKEND}/hotplug-status error`,
  ]);
  expect(code).toBe(1);
});

test("an interface is put on its bridge and brought up", () => {
  expect(hotplug("vif-attach", "online", {})).toEqual({
    calls: [
      "ip -batch -",
      "link set dev vif7.0 address fe:ff:ff:ff:ff:ff arp off multicast off",
      "link set dev vif7.0 master xenbr0",
      "link set dev vif7.0 up",
      `xenstore-write ${CONNECTED}`,
    ],
    code: 0,
  });
});

test("without a bridge the toolstack hears why at once", () => {
  const { calls, code } = hotplug("vif-attach", "online", { ip: "exit 1" });
  expect(calls).toEqual([
    `xenstore-write ${BACKEND}/hotplug-error vif7.0 cannot be put on xenbr0 ${BACKEND}/hotplug-status error`,
  ]);
  expect(code).toBe(1);
});

test.each([
  ["disk-attach", "remove"],
  ["vif-attach", "offline"],
])("%s %s has nothing to do: the kernel takes what is left away", (script, action) => {
  expect(hotplug(script, action, {})).toEqual({ calls: [], code: 0 });
});
