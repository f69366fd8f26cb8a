import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const SCRIPT = join(import.meta.dirname, "../../../dom0/domu");
const folder = useFolder();

function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(folder(path)), { recursive: true });
  writeFileSync(folder(path), content, { mode });
}

/** Starts domu1 in a dom0 of folders and stand-ins; what the toolstack and viptables were told, in order. */
function start(
  rules: string | undefined,
  viptables = "exit 0",
  create = ":",
): { told: string[]; code: number } {
  const log = folder("log");
  const own = "var/lib/v4v-testbed";
  put(`${own}/domains/domu1/payload/etc/hostname`, "domu1\n");
  put(`${own}/domains/domu1/wanted`, "digest\n");
  for (const part of ["base.cpio", "payload.cpio"]) put(`${own}/${part}`, "");
  if (rules !== undefined) put("etc/v4v-testbed/rules", rules);
  put("usr/sbin/viptables", `#!/bin/sh\necho "viptables $*" >>'${log}'\n${viptables}\n`, 0o755);
  const programs = standIns(folder("bin"), {
    xl: `echo "xl $*" >>'${log}'; [ "$1" != create ] || { ${create}; }; [ "$1" != domid ]`,
    cpio: "cat",
    flock: 'while [ "$1" != xl ]; do shift; done; exec "$@"',
  });
  // The paths of a dom0, below a folder of the test's.
  const script = readFileSync(SCRIPT, "utf8").replace(
    /\/(?=(var|run|etc|usr)\/)/g,
    `${folder("")}/`,
  );
  const { status, stderr } = spawnSync("/bin/sh", ["-s", "start", "domu1"], {
    input: script,
    encoding: "utf8",
    env: { ...process.env, PATH: [programs, process.env.PATH ?? ""].join(delimiter) },
  });
  const told = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [stderr];
  return {
    told: told
      .map((line) => line.replaceAll(folder(""), ""))
      .filter((line) => !line.includes("domid")),
    code: status ?? -1,
  };
}

const OWN = "var/lib/v4v-testbed/domains/domu1";
const started = () => existsSync(folder(`${OWN}/started`));
const CONFIG = "/var/lib/v4v-testbed/domains/domu1/domain.cfg";
const RESTORE = "viptables --restore /etc/v4v-testbed/rules --skip-absent";

test.each([
  ["no file of rules", undefined],
  ["a table that says nothing", "# a comment\n-P accept\n"],
])("with %s a domU is started as it is", (_what, rules) => {
  expect(start(rules)).toEqual({ told: [`xl create -q ${CONFIG}`], code: 0 });
  expect(started()).toBe(true);
});

test.each([
  ["a rule about it", "-P accept\n-A -s domu1 -d any -j drop\n"],
  ["a rule about others", "-P accept\n-A -s domu2 -d dom0 -j drop\n"],
  ["a policy that drops", "-P drop\n"],
  ["a policy that somebody wrote by hand", "-P DROP\n"],
])("with %s the table is in force before a domU's first instruction", (_what, rules) => {
  expect(start(rules)).toEqual({
    told: [`xl create -q -p ${CONFIG}`, RESTORE, "xl unpause domu1"],
    code: 0,
  });
  expect(started()).toBe(true);
});

test("what it boots from lies in the folder that its own names", () => {
  const create = `cat '${folder("run/v4v-testbed/domu1.initrd")}' >'${folder("booted")}'`;
  const booted = () => readFileSync(folder("booted"), "utf8").replace(/\n[^]*/, "");
  put("var/lib/other/base.cpio", "another base,");
  put("var/lib/other/payload.cpio", "another payload\n");
  start(undefined, "exit 0", create);
  expect(booted()).not.toContain("another");
  put(`${OWN}/image`, `${folder("var/lib/other")}\n`);
  start(undefined, "exit 0", create);
  expect(booted()).toBe("another base,another payload");
});

test("a hypervisor without V4V needs no rules", () => {
  const { told, code } = start("-P drop\n", "exit 3");
  expect(told.at(-1)).toBe("xl unpause domu1");
  expect(code).toBe(0);
});

test.each([1, 2, 127])("without its rules (exit code %i) a domU never runs", (refusal) => {
  expect(start("-P drop\n", `exit ${refusal}`)).toEqual({
    told: [`xl create -q -p ${CONFIG}`, RESTORE, "xl destroy domu1"],
    code: 1,
  });
  expect(started()).toBe(false);
});

test("a creation that fails once is tried again, twice is not", () => {
  const once = `[ -e '${folder("tried")}' ] || { touch '${folder("tried")}'; exit 3; }`;
  const create = `xl create -q ${CONFIG}`;
  expect(start(undefined, "exit 0", once)).toEqual({ told: [create, create], code: 0 });
  expect(started()).toBe(true);
  const always = start(undefined, "exit 0", "exit 3");
  expect(always.code).toBe(3);
  expect(always.told.slice(2)).toEqual([create, create]);
  expect(started()).toBe(false);
});

test("what a domU was started from is what was wanted at first, and no power cut's leftover", () => {
  put(`${OWN}/started`, "digest\n");
  const meanwhile = `! [ -e '${folder(`${OWN}/started`)}' ] || exit 4; echo another >'${folder(`${OWN}/wanted`)}'`;
  expect(start(undefined, "exit 0", meanwhile).code).toBe(0);
  expect(readFileSync(folder(`${OWN}/started`), "utf8")).toBe("digest\n");
  expect(readFileSync(folder(`${OWN}/wanted`), "utf8")).toBe("another\n");
});
