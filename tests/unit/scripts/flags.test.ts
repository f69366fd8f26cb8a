import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { allowed, settings } from "../../../config/settings.ts";
import { addSettingFlags, flagOf, givenSettings, hasFlag } from "../../../scripts/lib/flags.ts";

const flagged = settings.filter(hasFlag);

function command(): Command {
  const made = new Command("up").exitOverride().configureOutput({ writeErr: () => undefined });
  made.option("-s, --stack <NAME>").option("-y, --yes");
  addSettingFlags(made);
  return made;
}

function given(...args: string[]): Map<string, string> {
  return givenSettings(command().parse(args, { from: "user" }).opts());
}

test("every setting that takes a value has a flag of its own, in plain small letters", () => {
  const flags = flagged.map(flagOf);
  expect(new Set([...flags, "stack", "yes", "help", "version"]).size).toBe(flags.length + 4);
  for (const flag of flags) expect(flag).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  expect(
    command()
      .options.map(({ long }) => long)
      .sort(),
  ).toEqual(["stack", "yes", ...flags].map((flag) => `--${flag}`).sort());
});

test("flags are called what people would type", () => {
  const names = Object.fromEntries(flagged.map((setting) => [setting.path, flagOf(setting)]));
  expect(names).toMatchObject({
    vmCount: "vms",
    "evaluation.profile": "profile",
    "domU.memoryMiB": "domu-memory-mib",
    "machine.sshPort": "machine-ssh-port",
    "xen.dom0MemoryMiB": "xen-dom0-memory-mib",
    "v4v.ringKiB": "v4v-ring-kib",
    "v4v.spinUs": "v4v-spin-us",
    "remoteGpu.enabled": "remote-gpu-enabled",
  });
});

describe.each(flagged.map((setting) => [flagOf(setting), setting] as const))(
  "--%s",
  (flag, setting) => {
    test("gives its setting, as text, whatever it is: it is judged with all others", () => {
      for (const value of ["7", "", "a b", "$(x)", "-1"])
        expect([...given(`--${flag}=${value}`)]).toEqual([[setting.path, value]]);
      expect([...given(`--${flag}`, "7")]).toEqual([[setting.path, "7"]]);
    });

    test("without a value is an error", () => {
      expect(() => given(`--${flag}`)).toThrow("argument missing");
    });

    test("says in --help what it is, its unit, what is allowed and what it is without it", () => {
      const width = { helpWidth: 2000 };
      const line =
        command()
          .configureHelp(width)
          .helpInformation()
          .split("\n")
          .find((text) => text.trim().startsWith(`--${flag} `)) ?? "";
      const standard = setting.default === "" ? "empty" : JSON.stringify(setting.default);
      expect(line).toContain(setting.description);
      expect(line).toContain(`[${allowed(setting)}; default ${standard}`);
      if (setting.unit !== undefined) {
        expect(line).toContain(`<${setting.unit}>`);
        expect(line.trimEnd().endsWith(`${standard} ${setting.unit}]`)).toBe(true);
      }
      if (setting.minimum !== undefined)
        expect(line).toContain(`${setting.minimum} to ${setting.maximum ?? ""}`);
    });
  },
);

test("what was not given is not set: nothing is kept for the stack by itself", () => {
  expect([...given()]).toEqual([]);
  expect([...given("--stack", "x", "--yes")]).toEqual([]);
});

test("several at once, in the order of the settings", () => {
  expect([...given("--profile", "none", "--vms", "4", "--machine-cpus", "3")]).toEqual([
    ["vmCount", "4"],
    ["machine.cpus", "3"],
    ["evaluation.profile", "none"],
  ]);
});
