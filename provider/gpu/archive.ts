import { execFile, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";
import { sha256File } from "../ssh/remote.ts";

/**
 * A product for remote GPU execution that its users bring as an archive: what must be in it, and how its two ends are
 * started. In texts of `server` and `client`, {folder}, {server} and {port} stand for what a testbed has.
 */
export interface RemoteGpuProduct {
  product: string;
  /** Setting that names the archive, for messages. */
  setting: string;
  howToGet: string;
  /** Pattern of the only folder at the archive's top, and the same for people. */
  folder: string;
  folderInWords: string;
  /** Paths below that folder. */
  programs: string[];
  /** Patterns of paths below that folder, of each of which there is at least one file. */
  libraries: string[];
  server: { command: string[]; environment: Record<string, string>; ports: number[] };
  client: { libraryPath: string[]; environment: Record<string, string> };
}

export interface Archive {
  /** Absolute path on the controller. */
  path: string;
  /** Of the whole file, hex. */
  sha256: string;
}

interface Member {
  /** As the archive spells it. */
  name: string;
  /** The same without what says nothing: ./ before it, / behind it. */
  path: string;
  kind: string;
  executable: boolean;
  bytes: number;
}

/** Larger than any CUDA library, and small enough for a domU's disk. */
const MOST_BYTES = 8 * 2 ** 30;
const MOST_MEMBERS = 100_000;
const TAR_TIMEOUT_MS = 300_000;

const run = promisify(execFile);

/** One line of `tar -tv`: mode, owner, size, date, time, name, and where a link leads. */
function parseMember(line: string): Member | undefined {
  const [, kind, mode, size, named] =
    /^(.)(\S{9})\S* \S+ +(\d+) \d{4}-\d\d-\d\d \d\d:\d\d (.+)$/.exec(line) ?? [];
  if (kind === undefined || mode === undefined || size === undefined || named === undefined)
    return undefined;
  const name = named.replace(kind === "l" ? / -> .*$/ : / link to .*$/, "");
  const path = name.replace(/^\.\//, "").replace(/\/$/, "");
  return { name, path, kind, executable: mode.includes("x"), bytes: Number(size) };
}

async function members(path: string): Promise<Member[]> {
  const { stdout } = await run("tar", ["--list", "--verbose", "--file", path], {
    maxBuffer: 64 * 2 ** 20,
    timeout: TAR_TIMEOUT_MS,
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
  });
  const lines = stdout.split("\n").filter((line) => line !== "");
  if (lines.length > MOST_MEMBERS) throw new Error(`it has more than ${MOST_MEMBERS} members`);
  return lines.map((line) => {
    const member = parseMember(line);
    if (member === undefined) throw new Error(`tar lists what cannot be understood: ${line}`);
    return member;
  });
}

/** The first bytes of a member; the archive is read no further than that. */
function beginning(archive: string, member: string, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tar = spawn("tar", ["--extract", "--to-stdout", "--file", archive, "--", member], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: TAR_TIMEOUT_MS,
    });
    let got = Buffer.alloc(0);
    tar.stdout.on("data", (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= bytes) tar.kill();
    });
    tar.once("error", reject);
    tar.once("close", () => {
      resolve(got.subarray(0, bytes));
    });
  });
}

/** An ELF header's first 20 bytes of a 64-bit little-endian x86-64 file. */
const isX86 = (header: Buffer): boolean =>
  header.length === 20 &&
  header.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])) &&
  header.readUInt16LE(18) === 62;

function unsafe(all: Member[]): string[] {
  const outside = all.find(({ path }) => path.startsWith("/") || path.split("/").includes(".."));
  const odd = all.find(({ kind }) => !["-", "d", "l", "h"].includes(kind));
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  return [
    ...(outside === undefined ? [] : [`${outside.path} would be unpacked outside of its folder`]),
    ...(odd === undefined ? [] : [`${odd.path} is neither file, folder nor link`]),
    ...(bytes > MOST_BYTES ? [`its ${bytes} bytes unpacked are more than ${MOST_BYTES}`] : []),
  ];
}

/** What is missing in the layout. */
async function layout(
  product: RemoteGpuProduct,
  path: string,
  all: Member[],
): Promise<{ folder: string; problems: string[] }> {
  const tops = [...new Set(all.map((one) => one.path.split("/")[0] ?? ""))].filter(
    (top) => top !== "" && top !== ".",
  );
  const [folder = ""] = tops;
  if (tops.length !== 1 || !new RegExp(product.folder).test(folder))
    return {
      folder,
      problems: [
        `at its top should be one folder ${product.folderInWords}, there is: ${tops.slice(0, 5).join(", ") || "nothing"}`,
      ],
    };
  const problems: string[] = [];
  for (const program of product.programs) {
    const member = all.find((one) => one.path === `${folder}/${program}`);
    if (member?.kind !== "-") problems.push(`${folder}/${program} is missing`);
    else if (!member.executable) problems.push(`${member.path} is not executable`);
    else if (!isX86(await beginning(path, member.name, 20)))
      problems.push(`${member.path} is no program for 64-bit x86`);
  }
  for (const library of product.libraries) {
    const pattern = new RegExp(library);
    const found = all.some(
      (one) => one.path.startsWith(`${folder}/`) && pattern.test(one.path.slice(folder.length + 1)),
    );
    if (!found) problems.push(`${folder} has no file like ${library}`);
  }
  return { folder, problems };
}

/**
 * Looks at an archive before anything is done with it.
 *
 * @returns the folder at its top, and sentences that say what is wrong
 */
export async function checkArchive(
  product: RemoteGpuProduct,
  archive: Archive | undefined,
): Promise<{ folder: string; problems: string[] }> {
  const said = (problems: string[], folder = "") => ({
    folder,
    problems: problems.map((problem) => `${product.setting}: ${problem}`),
  });
  if (archive === undefined)
    return said([
      `there is no archive of ${product.product}. ${product.howToGet}; name its path and SHA-256`,
    ]);
  const { path, sha256 } = archive;
  if (!path.startsWith("/")) return said([`${path} is not an absolute path`]);
  if (!/^[0-9a-f]{64}$/.test(sha256))
    return said([`"${sha256}" is not a SHA-256: 64 of 0-9 and a-f, as sha256sum prints it`]);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return said([`${path} does not exist. ${product.howToGet}`]);
  if (!found.isFile()) return said([`${path} is not a file`]);
  const actual = await sha256File(path);
  // What somebody else made is not opened.
  if (actual !== sha256)
    return said([
      `the SHA-256 of ${path} is ${actual}, not ${sha256}: it is another archive, or damaged; ` +
        `compare with what its authors say`,
    ]);
  let all: Member[];
  try {
    all = await members(path);
  } catch (error) {
    const why = error instanceof Error ? error.message.trim() : String(error);
    return said([`${path} is not an archive that tar reads: ${why.split("\n").at(-1) ?? ""}`]);
  }
  const dangers = unsafe(all);
  if (dangers.length > 0) return said(dangers.map((danger) => `${path}: ${danger}`));
  const { folder, problems } = await layout(product, path, all);
  return said(
    problems.map((problem) => `${path}: ${problem}`),
    folder,
  );
}

/** Texts of a description with a testbed's values. */
export function filled(
  text: string,
  values: { folder: string; server?: string; port?: number },
): string {
  return text.replace(/\{(folder|server|port)\}/g, (_all, name: keyof typeof values) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing to put for {${name}} in "${text}"`);
    return String(value);
  });
}
