import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { chooseFreePort } from "../../../provider/host/ports.ts";

/** Something that keeps a stack's state, elsewhere than in a clone's own folder. */
export interface StateServer {
  /** What PULUMI_BACKEND_URL is to be. */
  url: string;
  /** Variables with which the engine logs in there. */
  env: Record<string, string>;
  /** All that it keeps, by name. */
  kept(): Promise<Map<string, Buffer>>;
  stop(): Promise<void>;
}

/** Longest wait for a server to answer, ms. */
const START_MS = 60_000;

async function answering(
  what: string,
  ask: () => Promise<unknown>,
  child: ChildProcess,
): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`${what} does not answer`, { cause: error });
      await setTimeout(200);
    }
  }
}

const ended = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", resolve));

/** A folder, as on a network file system. */
export function folderServer(): Promise<StateServer> {
  const folder = mkdtempSync(join(tmpdir(), "v4v-state-"));
  return Promise.resolve({
    url: `file://${folder}`,
    env: {},
    kept: () =>
      Promise.resolve(
        new Map(
          readdirSync(folder, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name))
            .map((path) => [path.slice(folder.length + 1), readFileSync(path)]),
        ),
      ),
    stop: () => {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  });
}

const onPath = (program: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(existsSync);

/** Moto's server of S3 (PyPI: moto[server]); undefined where it is not installed. */
export function findObjectStorage(): string | undefined {
  return onPath("moto_server");
}

export async function objectStorage(program: string): Promise<StateServer> {
  const port = await chooseFreePort();
  const base = `http://127.0.0.1:${port}/testbed`;
  // To a stranger the objects are closed; what a signature says is not looked at.
  const authorization =
    "AWS4-HMAC-SHA256 Credential=testbed/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
  const child = spawn(program, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const ask = async (path: string, init?: RequestInit): Promise<Buffer> => {
    const response = await fetch(`${base}${path}`, { ...init, headers: { authorization } });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  await answering("the object storage", () => ask("", { method: "PUT" }), child);
  return {
    url: `s3://testbed?endpoint=http://127.0.0.1:${port}&use_path_style=true&region=us-east-1`,
    env: { AWS_ACCESS_KEY_ID: "testbed", AWS_SECRET_ACCESS_KEY: "testbed" },
    kept: async () => {
      const list = (await ask("?list-type=2&max-keys=1000")).toString();
      const names = [...list.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name = ""]) => name);
      const bodies = await Promise.all(names.map((name) => ask(`/${encodeURI(name)}`)));
      return new Map(names.map((name, i) => [name, bodies[i] ?? Buffer.alloc(0)]));
    },
    stop: async () => {
      child.kill();
      await ended(child);
    },
  };
}

/** Folder of PostgreSQL's programs, on PATH or as Debian has them; undefined where it is not installed. */
export function findPostgres(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian)
    ? readdirSync(debian).map((name) => join(debian, name, "bin"))
    : [];
  return [...versions, ...(process.env.PATH ?? "").split(delimiter)].find((folder) =>
    ["initdb", "postgres", "psql"].every((program) => existsSync(join(folder, program))),
  );
}

export async function postgres(programs: string): Promise<StateServer> {
  const port = await chooseFreePort();
  const folder = mkdtempSync(join(tmpdir(), "v4v-postgres-"));
  const password = "open-sesame-of-a-test";
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(folder, "password"), `${password}\n`);
  // It does not run as root.
  const root = process.getuid?.() === 0;
  if (root) {
    chmodSync(folder, 0o755);
    execFileSync("chown", ["-R", "nobody", folder]);
  }
  const command = (program: string, args: string[]): [string, string[]] =>
    root
      ? ["setpriv", ["--reuid=nobody", "--clear-groups", "--", join(programs, program), ...args]]
      : [join(programs, program), args];
  const to = { cwd: folder, env: { ...process.env, HOME: folder } };
  execFileSync(
    ...command("initdb", [
      ...[
        "-D",
        data,
        "-U",
        "testbed",
        "--auth=scram-sha-256",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
      ],
      `--pwfile=${join(folder, "password")}`,
    ]),
    { ...to, stdio: "ignore" },
  );
  const settings = ["fsync=off", "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
  const child = spawn(
    ...command("postgres", [
      "-D",
      data,
      "-p",
      String(port),
      ...settings.flatMap((one) => ["-c", one]),
    ]),
    { ...to, stdio: "ignore" },
  );
  const query = (sql: string): string =>
    execFileSync(
      join(programs, "psql"),
      ["-h", "127.0.0.1", "-p", String(port), "-U", "testbed", "-d", "postgres", "-Atc", sql],
      {
        env: { ...process.env, PGPASSWORD: password },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
  await answering("PostgreSQL", () => Promise.resolve().then(() => query("select 1")), child);
  return {
    url: `postgres://testbed:${password}@127.0.0.1:${port}/postgres?sslmode=disable`,
    env: {},
    kept: () => {
      const rows = query("select key, data->>'data' from pulumi_state").trim();
      return Promise.resolve(
        new Map(
          rows.split("\n").map((row): [string, Buffer] => {
            const [key = "", data = ""] = row.split("|");
            return [key, Buffer.from(data, "base64")];
          }),
        ),
      );
    },
    stop: async () => {
      // Fast shutdown.
      child.kill("SIGINT");
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
