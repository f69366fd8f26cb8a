import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { gpuLegs, renderGpuPlan, type GpuRoute } from "../../../evaluation/gpu/plan.ts";
import { readGpuSamples } from "../../../evaluation/gpu/samples.ts";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const SCRIPT = join(import.meta.dirname, "../../../dom0/gpu-drive");
const folder = useFolder();

const native: GpuRoute = { transport: "native", host: "gpu", prefix: "" };
const tcp: GpuRoute = {
  transport: "tcp",
  host: "domu1",
  server: { unit: "pocld-tcp.service", port: 10998 },
  prefix: "remote-gpu tcp ",
};
const plan = (routes: GpuRoute[], blocks = 2, domUs: string[] = []): string =>
  renderGpuPlan(
    gpuLegs(
      {
        blocks,
        warm: 1,
        sizes: { matmul: [64], stencil: [32], transfer: [4096] },
        transferBudgetMs: 10,
        sharing: { clients: domUs.length > 0 ? [domUs.length] : [], side: 64, durationS: 1 },
      },
      routes,
      domUs,
      1,
    ),
  );

/** Drives a plan against domUs that are this computer's shell; what was asked of whom, in order. */
function drive(
  text: string,
  gpuBench: string,
  restart = "exit 0",
  { ss = "", limit = "900" }: { ss?: string; limit?: string } = {},
) {
  const log = folder("log");
  writeFileSync(folder("plan"), text);
  const programs = standIns(folder("bin"), {
    // ssh -F CONFIG HOST COMMAND
    ssh: `
host=$3; shift 3
case "$*" in
systemctl\\ *) echo "$host: fresh $(echo "$*" | cut -d ' ' -f 3)" >>'${log}'; ${restart} ;;
sysctl\\ *) printf '1\\n2\\n3\\t4\\t5\\n6\\t7\\t8\\n' ;;
*) HOST=$host sh -c "$*" ;;
esac`,
    ss,
    "remote-gpu": 'shift; exec "$@"',
    "gpu-bench": `echo "$HOST: $*" >>'${log}'\necho "gpu-bench says this" >&2\n${gpuBench}`,
  });
  const { status, stderr } = spawnSync(SCRIPT, [folder("plan"), folder("gpu.jsonl")], {
    encoding: "utf8",
    env: {
      ...process.env,
      LEG_TIMEOUT: limit,
      PATH: [programs, process.env.PATH ?? ""].join(delimiter),
    },
  });
  const told = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { status, stderr, told, file: readGpuSamples(readFileSync(folder("gpu.jsonl"), "utf8")) };
}

const FAILED =
  '{"type":"sample","experiment":"gpu-matmul","kind":"matmul","transport":"tcp","size_bytes":1,"repetition":0,"ok":false,"device":null,"error":"gone"}';
const start = `echo '{"type":"start","version":1}'; `;

const READY = '{"type":"ready"}';
const only = (text: string, workload: string): string =>
  text
    .split("\n")
    .filter((line) => line.includes(` ${workload} `))
    .map((line) => `${line}\n`)
    .join("");

test("every leg runs where it belongs, each block and transport with a fresh server", () => {
  const { told, file, status } = drive(plan([native, tcp]), start);
  expect(status).toBe(0);
  expect(file.complete).toBe(true);
  expect(file.attempts.map(({ leg }) => leg)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(told.filter((line) => line === "gpu: fresh pocld-tcp.service")).toHaveLength(2);
  for (const workload of ["matmul", "stencil", "transfer"]) {
    for (const [host, transport] of [
      ["gpu", "native"],
      ["domu1", "tcp"],
    ] as const)
      expect(
        told.filter((line) => line.startsWith(`${host}: ${workload} --transport ${transport} `)),
      ).toHaveLength(2);
  }
  // Fresh before the first of the block, not between its workloads.
  const first = told.indexOf("gpu: fresh pocld-tcp.service");
  expect(told.slice(first + 1, first + 4).every((line) => line.startsWith("domu1: "))).toBe(true);
  expect(file.hosts.domu1).toEqual({
    "net.core.rmem_max": "1",
    "net.core.wmem_max": "2",
    "net.ipv4.tcp_rmem": "3 4 5",
    "net.ipv4.tcp_wmem": "6 7 8",
  });
  expect(Object.keys(file.hosts)).toEqual(["domu1", "gpu"]);
});

test("the plain socket beside a server is another one, fresh in each block", () => {
  const socket = { unit: "gpu-socket-tcp.service", address: "10.83.0.10", port: 11020 };
  const { told, file } = drive(plan([{ ...tcp, socket }], 6), start);
  // The product's server asked before the socket's is not fresh again behind it, but in the next block.
  const fresh = told.filter((line) => line.includes("fresh"));
  expect(fresh).toEqual(
    Array.from({ length: 6 }, () => [
      "gpu: fresh pocld-tcp.service",
      "gpu: fresh gpu-socket-tcp.service",
    ]).flat(),
  );
  const orders = Map.groupBy(file.attempts, ({ block }) => block);
  const middles = [...orders.values()].map((own) => own.map(({ workload }) => workload).join(" "));
  // Both orders, so that a server asked again behind the socket is among them.
  expect(new Set(middles)).toEqual(
    new Set(["matmul stencil transfer socket", "matmul stencil socket transfer"]),
  );
  expect(told.filter((line) => line.includes("--server 10.83.0.10:11020"))).toHaveLength(6);
  expect(file.problems).toEqual([]);
});

test("connections that gpu-bench tells of come along, each client's own", () => {
  const line = (remote: string): string =>
    `{"type":"connection","transport":"tcp","size_bytes":1,"local":"'$HOST':1","remote":"${remote}","ss":{"sent":7,"received":8},"v4v":null}`;
  const { file } = drive(
    only(plan([tcp], 1, ["domu1", "domu2"]), "sharing"),
    `${start} echo '${READY}'; cat >/dev/null; echo '${line("10.83.0.10:10998")}'`,
  );
  expect(file.problems).toEqual([]);
  const [attempt] = file.attempts;
  expect(attempt?.connections.map(({ ss }) => ss?.received)).toEqual([8, 8]);
  expect(attempt?.clients.map(({ connections }) => connections.map(({ local }) => local))).toEqual([
    ["domu1:1"],
    ["domu2:1"],
  ]);
});

test("a leg that fails is repeated once with a fresh server, and the others go on", () => {
  const { told, file } = drive(
    plan([tcp], 1),
    `${start} case $1 in stencil) echo '${FAILED}'; exit 1 ;; esac`,
  );
  const attempts = file.attempts.map(({ workload, attempt, status, samples }) => [
    workload,
    attempt,
    status,
    samples.length,
  ]);
  expect(attempts).toEqual([
    ["matmul", 1, 0, 0],
    ["stencil", 1, 1, 1],
    ["stencil", 2, 1, 1],
    ["transfer", 1, 0, 0],
  ]);
  expect(told.filter((line) => line.includes("fresh"))).toHaveLength(2);
  expect(file.complete).toBe(true);
});

test("a leg that is not done in its time is ended where it runs, and its counters are read all the same", () => {
  const { file } = drive(
    only(plan([tcp], 1), "matmul"),
    `${start} sleep 30 & echo $! >'${folder("pid")}'; wait`,
    "exit 0",
    { limit: "1" },
  );
  expect(file.problems).toEqual([]);
  expect(file.attempts.map(({ attempt, status, why }) => [attempt, status, why])).toEqual([
    [1, 124, "it was not done within 1 s"],
    [2, 124, "it was not done within 1 s"],
  ]);
  expect(file.attempts[0]?.moved).not.toBeNull();
  // Gone, or dead and waited for by nobody: such a process has no words.
  const words = `/proc/${readFileSync(folder("pid"), "utf8").trim()}/cmdline`;
  expect(existsSync(words) ? readFileSync(words, "utf8") : "").toBe("");
});

test("a leg whose domU is lost tells no counters", () => {
  // Ends the shell that would read them.
  const { file } = drive(only(plan([tcp], 1), "matmul"), `${start} kill -9 $(ps -o ppid= $PPID)`);
  expect(file.problems).toEqual([]);
  expect(file.attempts.map(({ moved }) => moved)).toEqual([null, null]);
  expect(file.attempts.every(({ status }) => status !== 0)).toBe(true);
});

test("what sockets were granted is asked at both ends while the clients of the first block wait", () => {
  const at = (from: string, to: string, buffers: string): string =>
    `echo 'ESTAB 0      0     ${from}   ${to}  skmem:(r0,${buffers},f0,w0,o0,bl0,d0) cubic rto:204'`;
  const ss = `echo "$HOST asked" >>'${folder("log")}'
case $HOST in
gpu)
	${at("10.83.0.10:10998", "10.83.0.11:40000", "rb8388608,t0,tb8388608")}
	${at("10.83.0.10:22", "10.83.0.1:50000", "rb1,t0,tb2")} ;;
domu1)
	echo 'LISTEN 0 5 0.0.0.0:22 0.0.0.0:* skmem:(r0,rb7,t0,tb7,f0,w0,o0,bl0,d0)'
	${at("10.83.0.11:40000", "10.83.0.10:10998", "rb4194304,t0,tb8388608")} ;;
esac`;
  const { file, told } = drive(
    only(plan([tcp], 2, ["domu1", "domu2"]), "sharing"),
    `${start} echo '${READY}'; cat >/dev/null; echo "$HOST done" >>'${folder("log")}'`,
    "exit 0",
    { ss },
  );
  expect(file.problems).toEqual([]);
  const [first, second] = file.attempts;
  const common = { type: "buffers", transport: "tcp", send: 8388608 };
  expect(first?.buffers).toEqual([
    {
      ...{ ...common, host: "domu1", end: "client", receive: 4194304 },
      ...{ local: "10.83.0.11:40000", remote: "10.83.0.10:10998" },
    },
    {
      ...{ ...common, host: "gpu", end: "server", receive: 8388608 },
      ...{ local: "10.83.0.10:10998", remote: "10.83.0.11:40000" },
    },
  ]);
  expect(second?.buffers).toEqual([]);
  const order = told.filter((line) => / (asked|done)$/.test(line));
  expect(order.slice(0, 3)).toEqual(["domu1 asked", "domu2 asked", "gpu asked"]);
});

test("of the plain socket's server its listener is asked, in the first block", () => {
  const socket = { unit: "gpu-socket-tcp.service", address: "10.83.0.10", port: 11020 };
  const ss = `echo "$HOST asked $*" >>'${folder("log")}'
echo 'LISTEN 0      16    10.83.0.10:11020      0.0.0.0:*  skmem:(r0,rb8388608,t0,tb16384,f0,w0,o0,bl0,d0)'`;
  const { file, told } = drive(only(plan([{ ...tcp, socket }], 2), "socket"), start, "exit 0", {
    ss,
  });
  expect(file.problems).toEqual([]);
  expect(file.attempts.map(({ buffers }) => buffers)).toEqual([
    [
      {
        ...{ type: "buffers", transport: "tcp", host: "gpu", end: "listener", remote: "" },
        ...{ local: "10.83.0.10:11020", receive: 8388608, send: 16384 },
      },
    ],
    [],
  ]);
  expect(told.filter((line) => line.includes("asked"))).toEqual([
    "gpu asked -HtlnmO sport = :11020",
  ]);
});

test("a server that does not start costs its legs and no others", () => {
  const { told, file, stderr } = drive(plan([native, tcp], 1), start, "exit 1");
  expect(stderr).toContain("gpu-drive: pocld-tcp.service does not listen");
  expect(told.filter((line) => line.startsWith("domu1: "))).toEqual([]);
  const of = (transport: string) =>
    file.attempts.filter((one) => one.transport === transport).map(({ status }) => status);
  expect(of("native")).toEqual([0, 0, 0]);
  expect(of("tcp")).toEqual([255, 255, 255, 255, 255, 255]);
  expect(file.attempts.find(({ transport }) => transport === "tcp")).toMatchObject({
    why: "pocld-tcp.service does not listen",
    moved: null,
  });
});

test("what was cut off in the middle of a leg goes on with that leg", () => {
  const whole = drive(plan([native], 1), start).file.attempts.length;
  expect(whole).toBe(3);
  const lines = readFileSync(folder("gpu.jsonl"), "utf8").split("\n");
  const second = lines.findIndex((line) => line.includes('"leg-end","leg":2,'));
  writeFileSync(folder("gpu.jsonl"), `${lines.slice(0, second).join("\n")}\n`);
  appendFileSync(folder("gpu.jsonl"), '{"type":"sam');
  writeFileSync(folder("log"), "");
  const { told, file } = drive(plan([native], 1), start);
  expect(told.filter((line) => line !== "")).toHaveLength(2);
  expect(file.problems).toEqual([]);
  expect(file.attempts.map(({ leg }) => leg)).toEqual([1, 2, 3]);
});

test("several clients are let go together when all are ready, and each one's samples are told apart", () => {
  // The first is ready long before the other: it has to wait for it, and each is done only after both were ready.
  const { file, told } = drive(
    only(plan([tcp], 1, ["domu1", "domu2"]), "sharing"),
    `${start}
[ $HOST = domu1 ] || sleep 1.5
echo "$HOST ready" >>'${folder("log")}'
echo '${READY}'
cat >/dev/null
echo "$HOST done" >>'${folder("log")}'
echo '{"type":"sample","experiment":"gpu-matmul","kind":"matmul","transport":"tcp","size_bytes":16384,"repetition":1,"start":"warm","ok":true,"device":{"platform":"p","name":"'$HOST'","driver":"d","type":"cpu"},"phases_ns":{},"start_ns":1,"wall_ns":2}'`,
  );
  expect(file.problems).toEqual([]);
  const [attempt] = file.attempts;
  expect(attempt).toMatchObject({ leg: 4, workload: "sharing", status: 0 });
  expect(
    attempt?.clients.map(({ host, samples }) => [
      host,
      samples.map((sample) => (sample.ok ? sample.device.name : "failed")),
    ]),
  ).toEqual([
    ["domu1", ["domu1"]],
    ["domu2", ["domu2"]],
  ]);
  expect(attempt?.samples).toHaveLength(2);
  const order = told.filter((line) => / (ready|done)$/.test(line));
  expect(order.slice(0, 2)).toEqual(["domu1 ready", "domu2 ready"]);
  expect(order.slice(2).sort()).toEqual(["domu1 done", "domu2 done"]);
  expect(Object.keys(file.hosts)).toEqual(["domu1", "domu2", "gpu"]);
});

test("a client that fails before it is ready keeps the others from nothing, and the leg is repeated", () => {
  const { file } = drive(
    only(plan([tcp], 1, ["domu1", "domu2"]), "sharing"),
    `${start}
if [ $HOST = domu2 ]; then echo '${FAILED}'; exit 1; fi
echo '${READY}'
cat >/dev/null`,
  );
  expect(file.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(file.attempts[1]?.clients.map(({ samples }) => samples.length)).toEqual([0, 1]);
  expect(file.complete).toBe(true);
});
