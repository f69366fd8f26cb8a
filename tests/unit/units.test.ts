import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { HARDENING } from "../../provider/resources/hardening.ts";
import { useFolder } from "./helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../..");
const folder = useFolder();

/** A unit's [Service] part: directive to its values, in order; an empty value is one, too. */
type Service = Map<string, string[]>;

function serviceOf(text: string): Service {
  const service: Service = new Map();
  let section = "";
  for (const line of text.split("\n")) {
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    const [, name = "", value = ""] = /^([A-Z]\w*)=(.*)$/.exec(line) ?? [];
    if (section === "Service" && name !== "")
      service.set(name, [...(service.get(name) ?? []), value]);
  }
  return service;
}

const units = [
  "dom0",
  "templates",
  ...readdirSync(join(PROJECT, "recipes/packages")).map((name) => `recipes/packages/${name}`),
]
  .flatMap((below) =>
    readdirSync(join(PROJECT, below))
      .filter((name) => /\.service(\.hbs)?$/.test(name))
      .map((name) => join(below, name)),
  )
  .map((path): [string, Service] => [path, serviceOf(readFileSync(join(PROJECT, path), "utf8"))]);

/** The unit of an evaluation has no file: systemd-run makes it. */
const evaluation: [string, Service] = [
  "the evaluation",
  serviceOf(["[Service]", "Type=simple", ...HARDENING].join("\n")),
];

const startsAndEnds = ([, service]: [string, Service]): boolean =>
  service.get("Type")?.[0] === "oneshot";
const serving = [...units.filter((unit) => !startsAndEnds(unit)), evaluation];
const starting = units.filter(startsAndEnds);

/** What costs no unit of ours anything. */
const ALL = {
  NoNewPrivileges: /^yes$/,
  ProtectSystem: /^(strict|full)$/,
  ProtectHome: /^(yes|read-only|tmpfs)$/,
  RestrictNamespaces: /^yes$/,
  RestrictRealtime: /^yes$/,
  RestrictSUIDSGID: /^yes$/,
  LockPersonality: /^yes$/,
  SystemCallArchitectures: /^native$/,
};

/** What listens, or reads what domUs say, has these besides. */
const SERVING = {
  ...ALL,
  ProtectSystem: /^strict$/,
  PrivateTmp: /^yes$/,
  ProtectKernelTunables: /^yes$/,
  ProtectKernelModules: /^yes$/,
  ProtectKernelLogs: /^yes$/,
  ProtectControlGroups: /^yes$/,
  ProtectHostname: /^yes$/,
  ProtectProc: /^invisible$/,
  RestrictAddressFamilies: /^AF_/,
  SystemCallFilter: /^@system-service$/,
  UMask: /^0077$/,
};

/** Capabilities that no program of ours needs for longer than it takes to start something. */
const GRAVE = [
  "CAP_SYS_ADMIN",
  "CAP_SYS_PTRACE",
  "CAP_NET_ADMIN",
  "CAP_SYS_MODULE",
  "CAP_DAC_OVERRIDE",
  "CAP_SYS_RAWIO",
];

const lacking = (service: Service, wanted: Record<string, RegExp>): string[] =>
  Object.entries(wanted)
    .filter(([name, value]) => !value.test(service.get(name)?.[0] ?? ""))
    .map(([name]) => name);

/** A list beginning with ~ takes from all; without one all is allowed. */
function granted(service: Service, capability: string): boolean {
  const bound = service.get("CapabilityBoundingSet")?.[0];
  if (bound === undefined) return true;
  const listed = bound.replace(/^~/, "").split(" ").includes(capability);
  return bound.startsWith("~") ? !listed : listed;
}

test("there are units to look at, of both kinds", () => {
  expect(serving.map(([path]) => basename(path))).toEqual(
    expect.arrayContaining(["v4vd.service", "remote-gpu.service.hbs", "the evaluation"]),
  );
  expect(starting.length).toBeGreaterThanOrEqual(4);
});

describe.each(serving)("%s serves, and", (_path, service) => {
  test("may do little", () => {
    expect(lacking(service, SERVING)).toEqual([]);
  });

  test("has none of the capabilities that make a process root", () => {
    // Who is not root has none to begin with.
    if (service.get("DynamicUser")?.[0] === "yes") return;
    expect(GRAVE.filter((capability) => granted(service, capability))).toEqual([]);
  });
});

describe.each(starting)("%s starts something, and", (_path, service) => {
  test("may not do what it has no use for", () => {
    expect(lacking(service, ALL)).toEqual([]);
    expect(granted(service, "CAP_SYS_PTRACE")).toBe(false);
    expect(granted(service, "CAP_SYS_TIME")).toBe(false);
  });
});

test("systemd, where this computer has it, knows every directive and finds little exposure", () => {
  if (spawnSync("systemd-analyze", ["--version"]).error !== undefined) return;
  for (const [path, service] of serving) {
    const lines = [...service].flatMap(([name, values]) =>
      values.map((value) => `${name}=${value}`),
    );
    const hardening = lines.filter((line) => !/^(ExecStart|Type|WatchdogSec)=|\{\{/.test(line));
    const unit = folder("unit.service");
    writeFileSync(unit, ["[Service]", "ExecStart=/bin/true", ...hardening, ""].join("\n"));
    const verified = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
    expect(verified.stderr, path).not.toMatch(/Unknown|Failed to parse|ignoring/);
    const judged = spawnSync(
      "systemd-analyze",
      ["security", "--offline=yes", "--threshold=30", unit],
      { encoding: "utf8" },
    );
    // Older than 250, it judges running units only.
    if (judged.stderr.includes("unrecognized option")) continue;
    expect(judged.status, `${path}: ${judged.stdout.split("\n").slice(-3).join(" ")}`).toBe(0);
  }
});

describe("the check itself", () => {
  test("finds what is lacking", () => {
    const bare = serviceOf("[Unit]\nNoNewPrivileges=yes\n[Service]\nExecStart=/bin/true\n");
    expect(lacking(bare, ALL)).toEqual(Object.keys(ALL));
    expect(granted(bare, "CAP_SYS_ADMIN")).toBe(true);
    const some = serviceOf("[Service]\nCapabilityBoundingSet=~CAP_SYS_TIME\nProtectSystem=no\n");
    expect(lacking(some, { ProtectSystem: /^strict$/ })).toEqual(["ProtectSystem"]);
    expect([granted(some, "CAP_SYS_TIME"), granted(some, "CAP_KILL")]).toEqual([false, true]);
    expect(granted(serviceOf("[Service]\nCapabilityBoundingSet=\n"), "CAP_KILL")).toBe(false);
  });
});
