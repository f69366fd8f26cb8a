import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Refused, type Properties } from "../../../../provider/resource.ts";
import { evaluationResource as evaluation } from "../../../../provider/resources/evaluation.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { hostInFolder } from "../../helpers/hostInFolder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const artifacts = () => folder("artifacts");
const inputsFor = (connection: object): Properties =>
  ({
    connection,
    domains: [1, 2].map((i) => ({
      name: `domu${i}`,
      domid: i,
      addr: `10.83.0.${10 + i}`,
      cid: i + 2,
    })),
    profile: "smoke",
    transports: ["tcp", "v4v"],
    seed: 1,
    generation: 0,
    facts: { settings: {}, versions: {}, builds: {}, machine: {}, accelerator: {}, command: "x" },
    artifacts: artifacts(),
  }) as Properties;

let connection: Properties;
beforeEach(async () => {
  const programs = standIns(folder("bin"), { "systemd-run": "exit 1", systemctl: "exit 1" });
  const far = await farSide({ behaviour: hostInFolder(folder("host"), programs) });
  connection = { ...far.connection };
  for (const path of ["var/lib", "proc/sys/kernel/random"])
    mkdirSync(folder("host", path), { recursive: true });
  writeFileSync(folder("host/proc/sys/kernel/random/boot_id"), "one\n");
});

/** In a dom0 that starts no unit: what is done before. */
async function begun(parts: Properties = {}): Promise<{ message: string; runs: string[] }> {
  const error: unknown = await evaluation
    .ensure(recordedContext(5), { ...inputsFor(connection), ...parts }, undefined)
    .catch((e: unknown) => e);
  const runs = existsSync(artifacts())
    ? readdirSync(artifacts()).filter((name) => name !== "latest")
    : [];
  return { message: (error as Error).message, runs };
}

test("a new run's folder is named by time and profile, and knows how to go on", async () => {
  const { message, runs } = await begun();
  expect(message).toMatch(/^starting the evaluation/);
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatch(/^\d{8}T\d{6}Z-smoke-[0-9a-f]{6}$/);
  const unfinished: unknown = JSON.parse(
    readFileSync(join(artifacts(), runs[0] ?? "", "unfinished.json"), "utf8"),
  );
  expect(unfinished).toMatchObject({ runId: runs[0] });
});

test("a bill of materials that cannot be had is said, and the run begins", async () => {
  // On a busy computer the tests' loader takes longer for it than the second that the run has here.
  await import("../../../../provider/resources/bill.ts");
  const context = recordedContext(5);
  const bill = { project: folder("none"), index: "", xenSource: "", images: {} };
  await expect(
    evaluation.ensure(context, { ...inputsFor(connection), bill }, undefined),
  ).rejects.toThrow("starting the evaluation");
  expect(context.warnings.join()).toMatch(/gets no bill of materials \(sbom\.cdx\.json\): ENOENT/);
});

describe("an interrupted run", () => {
  test("is taken up again by the same inputs", async () => {
    const first = await begun();
    expect((await begun()).runs).toEqual(first.runs);
  });

  test("is not taken up where a domU has restarted since: its id is in the plan", async () => {
    await begun();
    const domains = [
      { name: "domu1", domid: 9, addr: "10.83.0.11", cid: 11 },
      { name: "domu2", domid: 2, addr: "10.83.0.12", cid: 4 },
    ];
    expect((await begun({ domains })).runs).toHaveLength(2);
  });

  test("keeps the samples of whole steps only", async () => {
    const { runs } = await begun();
    const samples = join(artifacts(), runs[0] ?? "", "samples.jsonl");
    const whole = '{"type":"start"}\n{"type":"sample","n":1}\n{"type":"step","done":1,"of":2}\n';
    const cut = `${whole}{"type":"sample","n":2}\n{"type":"sam`;
    writeFileSync(samples, cut);
    writeFileSync(folder("host/var/lib/v4v-testbed/runs", runs[0] ?? "", "samples.jsonl"), cut);
    await begun();
    expect(readFileSync(samples, "utf8")).toBe(whole);
  });

  test.each(["", '{"runId":', "null", "[]"])(
    "whose note was cut short (%j) is nobody's: a new one begins",
    async (note) => {
      mkdirSync(folder("artifacts/20260101T000000Z-smoke-000000"), { recursive: true });
      writeFileSync(folder("artifacts/20260101T000000Z-smoke-000000/unfinished.json"), note);
      const { message, runs } = await begun();
      expect(message).toMatch(/^starting the evaluation/);
      expect(runs).toHaveLength(2);
    },
  );
});

test("profile none is refused, nothing is made", async () => {
  const given = { ...inputsFor({}), profile: "none" };
  await expect(evaluation.ensure(recordedContext(), given, undefined)).rejects.toBeInstanceOf(
    Refused,
  );
  expect(existsSync(artifacts())).toBe(false);
});

test("restarted domUs are no reason to measure again; a generation, a profile, a fact is", () => {
  const inputs = inputsFor({ host: "h" });
  const changed = (parts: Properties) =>
    inputDiff({ id: "x", inputs, outputs: {} }, { ...inputs, ...parts }, evaluation).changed;
  expect(changed({ domains: [], connection: { host: "i" }, artifacts: "/elsewhere" })).toEqual([]);
  expect(changed({ bill: { project: "/elsewhere" } })).toEqual([]);
  expect(changed({ generation: 1 })).toEqual(["generation"]);
  expect(changed({ profile: "none" })).toEqual(["profile"]);
  expect(changed({ facts: {} })).toEqual(["facts"]);
});

test("a result stays what it is, and stays when the stack goes", async () => {
  mkdirSync(folder("artifacts/run"), { recursive: true });
  const prior = { id: "x", inputs: inputsFor({}), outputs: { path: folder("artifacts/run") } };
  expect(await evaluation.read(recordedContext(), prior)).toEqual({
    inputs: prior.inputs,
    outputs: prior.outputs,
  });
  await evaluation.delete(recordedContext(), prior);
  expect(existsSync(folder("artifacts/run"))).toBe(true);
});

test("a domU of another host is reached by its address, and known by its own key", async () => {
  const elsewhere = [
    [{ name: "domu3", domid: 1, addr: "10.83.0.13", cid: 3, hostKey: "ssh-ed25519 KEY" }],
  ];
  await expect(
    evaluation.ensure(recordedContext(), { ...inputsFor(connection), elsewhere }, undefined),
  ).rejects.toThrow("starting the evaluation");
  const runs = folder("host/var/lib/v4v-testbed/runs");
  expect(readFileSync(join(runs, "elsewhere"), "utf8")).toBe("domu3 ssh-ed25519 KEY\n");
  const [run = ""] = readdirSync(runs).filter((name) => name !== "elsewhere");
  const plan = readFileSync(join(runs, run, "plan"), "utf8");
  const agent = (name: string) =>
    new RegExp(`^domain name=${name} .*agent=(.*)$`, "m").exec(plan)?.[1];
  expect(agent("domu3")).toMatch(
    /^ssh -F \S+ -o HostName=10\.83\.0\.13 -o HostKeyAlias=domu3 -o KnownHostsCommand=none -o UserKnownHostsFile=\S+\/elsewhere domu3 v4v-bench agent$/,
  );
  expect(agent("domu1")).toMatch(/^ssh -F \S+ domu1 v4v-bench agent$/);
  expect(plan).toMatch(/^step .*experiment=hosts .*transport=tcp .*pairs=domu1:domu3$/m);
});

test("runs that were given up are ended in dom0 before one begins", async () => {
  const others = ["v4v-evaluation-old.service", "v4v-gpu-old.service"];
  const programs = standIns(folder("bin"), {
    "systemd-run": "exit 1",
    systemctl: `
case $1 in
list-units) for unit in ${others.join(" ")}; do echo "$unit loaded active running"; done ;;
stop) echo "$2" >>'${folder("said")}' ;;
*) exit 1 ;;
esac`,
  });
  const far = await farSide({ behaviour: hostInFolder(folder("host"), programs) });
  await expect(
    evaluation.ensure(recordedContext(), inputsFor({ ...far.connection }), undefined),
  ).rejects.toThrow("starting the evaluation");
  expect(readFileSync(folder("said"), "utf8").trim().split("\n")).toEqual(others);
});
