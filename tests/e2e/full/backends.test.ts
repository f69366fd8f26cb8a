import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeClone } from "../clone.ts";
import { succeeded } from "../lifecycle.ts";
import { start, type Running } from "../run.ts";
import { given, keysIn, textSecret } from "../secrets.ts";
import { Testbed } from "../testbed.ts";
import {
  findObjectStorage,
  findPostgres,
  folderServer,
  objectStorage,
  postgres,
  type StateServer,
} from "./stateServers.ts";

/**
 * State elsewhere than in the clone's own folder, on servers of this computer's loopback. No machine is booted: the stack has
 * its folder with the keys, and nothing else.
 */
const STACK = "backends";
const ONLY_FOLDER = ["testbed", "machine", "machine-folder"].flatMap((name) => [
  "--target",
  `**::${name}`,
]);
const SECONDS = 1000;

const storage = findObjectStorage();
const database = findPostgres();
const servers: {
  name: string;
  there: boolean;
  start: () => Promise<StateServer>;
  login: boolean;
}[] = [
  { name: "a folder, by pulumi login", there: true, start: folderServer, login: true },
  {
    name: "object storage (S3), by pulumi login",
    there: storage !== undefined,
    start: () => objectStorage(storage ?? ""),
    login: true,
  },
  {
    name: "PostgreSQL, by PULUMI_BACKEND_URL",
    there: database !== undefined,
    start: () => postgres(database ?? ""),
    login: false,
  },
];

const run = (testbed: Testbed, ...args: string[]) => testbed.script("scripts/run", args, 300);

describe.each(servers)("state in $name", ({ there, start: begin, login }) => {
  let server: StateServer | undefined;
  const testbeds: Testbed[] = [];
  const running: Running[] = [];

  const keeper = (): StateServer => {
    if (server === undefined) throw new Error("there is no server");
    return server;
  };
  /** Another computer, or another clone: all that it shares with the first is what the server keeps, and the passphrase. */
  const controller = async (passphrase?: string): Promise<Testbed> => {
    const { env, url } = keeper();
    const clone = makeClone();
    Object.assign(clone.env, {
      ...env,
      ...(!login && { PULUMI_BACKEND_URL: url }),
      ...(passphrase !== undefined && { PULUMI_CONFIG_PASSPHRASE: passphrase }),
    });
    const testbed = new Testbed(STACK, clone);
    testbeds.push(testbed);
    if (login) succeeded(await plain(testbed, ["login", url]));
    return testbed;
  };
  /** Pulumi as its user calls it, without anything of the clone's: to log in. */
  const plain = async (testbed: Testbed, args: string[]) => {
    const { PATH = "" } = await testbed.environment();
    const [engine = ""] = PATH.split(":");
    const { env } = testbed.clone;
    const options = { cwd: testbed.project, env, timeoutS: 120 };
    return start(join(engine, "pulumi"), args, options).finished;
  };
  const kept = async (pattern: RegExp): Promise<string[]> =>
    [...(await keeper().kept()).keys()].filter((name) => pattern.test(name));
  const locks = () => kept(/\.pulumi\/locks\/.*\.json$/);

  /** An engine of a clone, once it holds the stack's lock. */
  const atWork = async (testbed: Testbed): Promise<number> => {
    const env = await testbed.environment();
    const engine = start(
      "pulumi",
      ["up", "--yes", "--skip-preview", "--stack", STACK, ...ONLY_FOLDER, "--cwd", testbed.project],
      {
        cwd: testbed.project,
        env,
        timeoutS: 300,
      },
    );
    running.push(engine);
    const until = Date.now() + 60 * SECONDS;
    while ((await locks()).length === 0) {
      if (Date.now() > until) throw new Error(`no lock was taken:\n${engine.output()}`);
      await setTimeout(50);
    }
    return engine.pid;
  };

  beforeAll(async () => {
    if (there) server = await begin();
    else console.log("not installed here, so left out");
  }, 120 * SECONDS);

  afterAll(async () => {
    for (const { pid } of running)
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    for (const { clone } of testbeds) clone.remove();
    await server?.stop();
  }, 60 * SECONDS);

  it.skipIf(!there)(
    "is where it was chosen to be, and not here; no key is in it in the clear",
    async () => {
      const testbed = await controller();
      succeeded(await testbed.pulumi(["stack", "init", STACK]));
      succeeded(
        await testbed.pulumi(["up", "--yes", "--skip-preview", "--stack", STACK, ...ONLY_FOLDER]),
      );
      expect(await kept(new RegExp(`\\.pulumi/stacks/.*/${STACK}\\.json$`))).toHaveLength(1);
      const folder = dirname(dirname(testbed.runFolder ?? ""));
      expect(existsSync(join(folder, "backend/.pulumi"))).toBe(false);
      const { output } = await testbed.pulumi([
        "stack",
        "export",
        "--show-secrets",
        "--stack",
        STACK,
      ]);
      const passphrase = readFileSync(join(folder, "passphrase"), "utf8").trim();
      const secrets = [
        ...keysIn(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1)),
        textSecret("passphrase", passphrase),
      ];
      expect(secrets).toHaveLength(4);
      for (const [name, bytes] of await keeper().kept())
        expect(given(secrets, bytes), name).toEqual([]);
    },
  );

  it.skipIf(!there)("is what status, packages and doctor go by", async () => {
    const [testbed] = testbeds;
    if (testbed === undefined) throw new Error("there is no clone");
    const status = await run(testbed, "status", "--stack", STACK);
    expect(status.output).toContain("the machine is stopped");
    expect((await run(testbed, "packages", "--stack", STACK)).output).toContain(
      "this stack has no build of sockets",
    );
    expect((await run(testbed, "packages", "--stack", "none")).output).toContain(
      "stack none is not up",
    );
    const report = join(dirname(testbed.project), "report.md");
    await run(testbed, "doctor", "--stack", STACK, "--report", report);
    const text = readFileSync(report, "utf8");
    expect(text).toContain("v4v:index:RunFolder machine-folder");
    expect(text).not.toContain("open-sesame");
    rmSync(report);
  });

  it.skipIf(!there)("is the same for another clone, with its settings", async () => {
    const [first] = testbeds;
    if (first === undefined) throw new Error("there is no clone");
    succeeded(await first.pulumi(["config", "set", "vmCount", "7", "--stack", STACK]));
    succeeded(
      await first.pulumi(["up", "--yes", "--skip-preview", "--stack", STACK, ...ONLY_FOLDER]),
    );
    const folder = dirname(dirname(first.runFolder ?? ""));
    const other = await controller(readFileSync(join(folder, "passphrase"), "utf8").trim());
    const status = await run(other, "status", "--stack", STACK);
    expect(status.code).toBe(1);
    expect(status.output).toContain(
      `stack ${STACK} is up by its state, and its folder is not on this computer`,
    );
    // Refused, but it has looked at the settings first.
    const refused = await run(
      other,
      "sweep",
      "--vms",
      "64",
      "--profile",
      "smoke",
      "--stack",
      STACK,
    );
    expect(refused.output).toMatch(/64 domUs of 192 MiB need/);
    const count = succeeded(await other.pulumi(["config", "get", "vmCount", "--stack", STACK]));
    expect(count.output).toContain("7");
  });

  it.skipIf(!there)("tells who is at work on it, and is not disturbed", async () => {
    const [testbed] = testbeds;
    if (testbed === undefined) throw new Error("there is no clone");
    const pid = await atWork(testbed);
    process.kill(-pid, "SIGSTOP");
    const refused = await testbed.destroy();
    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(
      /is being worked on by process \d+ of \S+ on \S+ since .*; wait for it to end/,
    );
    expect((await run(testbed, "status", "--stack", STACK)).output).toContain(`process ${pid} of`);
    expect(await locks()).toHaveLength(1);
    process.kill(-pid, "SIGKILL");
    await running.at(-1)?.finished;
  });

  it.skipIf(!there)("is freed of a killed engine's lock, and destroyed", async () => {
    const [testbed] = testbeds;
    if (testbed === undefined) throw new Error("there is no clone");
    expect(await locks()).toHaveLength(1);
    const result = succeeded(await testbed.destroy());
    expect(result.output).toMatch(/An earlier run \(process \d+\) was killed; its lock is removed/);
    expect(result.output).toContain(`Nothing of stack ${STACK} is left`);
    expect(await locks()).toEqual([]);
    expect((await testbed.resources()).length).toBeLessThanOrEqual(1);
  });
});
