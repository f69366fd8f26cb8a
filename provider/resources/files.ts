import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import { within } from "../host/within.ts";

/** One file on the host: text, or a file of the controller. */
export interface RemoteFile {
  path: string;
  /** Octal permission bits as text: "644". */
  mode: string;
  content?: string;
  source?: string;
}

/** One whose content is known before anything is built. */
export type TextFile = RemoteFile & { content: string };

/** Inputs of `v4v:index:Files`. */
export interface FilesInputs {
  connection: Connection;
  files: RemoteFile[];
  /** Another value makes `ensure` look again (boot id, incarnation). */
  incarnation: string;
  /** Shell script to run on the host after something was changed; it is run again if it was interrupted. */
  then?: string;
  /** Folder on a host that stays: what was at these paths before is kept there, and put back when they go. */
  originals?: string;
  /** Shell script to run on the host before the files are removed. */
  undo?: string;
  /** Filled in by check: SHA-256 of each file that should be there. */
  digests?: Record<string, string>;
}

/**
 * Puts files in place, below `root` if one is given.
 *
 * @param note see {@link Remote.place}
 * @returns whether anything was changed
 */
export async function placeFiles(
  remote: Remote,
  files: readonly RemoteFile[],
  { root = "", note }: { root?: string; note?: string } = {},
): Promise<boolean> {
  const placed = files.map(({ path, mode: octal, source, content = "" }) => {
    const at = { path: root + path, mode: Number.parseInt(octal, 8) };
    return source === undefined ? { ...at, content } : { ...at, source };
  });
  return remote.place(placed, note);
}

/** Lies beside the first of the files from before they are changed until what has to follow is done. */
const noteOf = (inputs: FilesInputs): string | undefined =>
  inputs.then === undefined || inputs.files[0] === undefined
    ? undefined
    : `${inputs.files[0].path}.pending`;

/** Once: what is there when the first `up` comes; `.none` stands for nothing. */
const KEEP = `
umask 077
originals=$1
shift
for path; do
  kept=$originals$path
  [ ! -e "$kept" ] && [ ! -e "$kept.none" ] || continue
  mkdir -p "\${kept%/*}"
  if [ -e "$path" ]; then cp -a "$path" "$kept.new"; mv "$kept.new" "$kept"; else : >"$kept.none"; fi
done`;

/**
 * Pairs of a path and the digest of what was put there. A record says what was before, and goes once that is so again; without one
 * it is so already, and what is there is not the testbed's unless it is the very file.
 */
const PUT_BACK = `
originals=$1
shift
while [ "$#" -gt 0 ]; do
  path=$1 digest=$2
  shift 2
  kept=$originals$path
  if [ -e "$kept" ]; then
    cp -a "$kept" "$path.new"
    mv -f "$path.new" "$path"
  elif [ -e "$kept.none" ] || [ "$(sha256sum -- "$path" 2>/dev/null | cut -c 1-64)" = "$digest" ]; then
    rm -f -- "$path"
  fi
  rm -f "$kept" "$kept.none"
done`;

/** Removes files, or puts back what was at their paths, if that was kept. */
async function removeFiles(
  remote: Remote,
  files: readonly RemoteFile[],
  originals: string | undefined,
): Promise<void> {
  if (originals === undefined) {
    await remote.run("removing files", 'rm -f -- "$@"', ...files.map(({ path }) => path));
    return;
  }
  const pairs = files.flatMap((file) => [file.path, safeDigest(file)]);
  await remote.run("putting the originals back", PUT_BACK, originals, ...pairs);
}

function digest(file: RemoteFile): string {
  const bytes =
    file.source === undefined ? Buffer.from(file.content ?? "") : readFileSync(file.source);
  return createHash("sha256").update(bytes).digest("hex");
}

/** Files on the host, with drift seen by SHA-256 and mended one by one. */
export const filesResource: Resource = {
  deadlines: { create: 600, update: 600, delete: 120 },

  id: (inputs) => `files@${typed<FilesInputs>(inputs).connection.host}`,

  check(properties) {
    const failures = missing(properties, ["connection", "files"]);
    const inputs = typed<FilesInputs>(properties);
    if (failures.length > 0 || !Array.isArray(inputs.files))
      return Promise.resolve({ inputs: properties, failures });
    const digests = Object.fromEntries(
      inputs.files
        .filter((file) => typeof file === "object")
        .map((file) => [file.path, safeDigest(file)]),
    );
    return Promise.resolve({ inputs: { ...properties, digests } });
  },

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<FilesInputs>(properties);
    const remote = new Remote(inputs.connection, context.signal);
    const wanted = new Set(inputs.files.map((file) => file.path));
    const before = prior === undefined ? undefined : typed<FilesInputs>(prior.inputs);
    const dropped = (before?.files ?? []).filter(({ path }) => !wanted.has(path));
    if (dropped.length > 0) {
      context.status("removing files that are no longer wanted");
      await removeFiles(remote, dropped, inputs.originals);
    }
    context.status("writing files");
    if (inputs.originals !== undefined)
      await remote.run(
        "keeping the originals",
        KEEP,
        inputs.originals,
        ...inputs.files.map(({ path }) => path),
      );
    const note = noteOf(inputs);
    const changed = await placeFiles(remote, inputs.files, note === undefined ? {} : { note });
    const otherwise = before !== undefined && before.then !== inputs.then;
    if (inputs.then !== undefined && (changed || dropped.length > 0 || otherwise)) {
      context.status("applying them");
      await remote.run("applying the changed files", `${inputs.then}\nrm -f -- "$1"`, note ?? "");
    }
    return {};
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<FilesInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const paths = inputs.files.map((file) => file.path);
    const listing = await remote.run(
      "comparing files",
      'sha256sum -- "$@" 2>/dev/null || true',
      ...paths,
    );
    const actual = new Map(
      listing.split("\n").map((line): [string, string] => [line.slice(66), line.slice(0, 64)]),
    );
    const digests = Object.fromEntries(paths.map((path) => [path, actual.get(path) ?? "absent"]));
    return { inputs: { ...prior.inputs, digests }, outputs: prior.outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<FilesInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, context.signal);
    const note = noteOf(inputs);
    if (inputs.undo !== undefined) await remote.run("before files are removed", inputs.undo);
    await removeFiles(remote, inputs.files, inputs.originals);
    if (note !== undefined) await remote.run("removing files", 'rm -f -- "$1"', note);
  },
};

function safeDigest(file: RemoteFile): string {
  try {
    return digest(file);
  } catch {
    return "unknown"; // A source that is built later, seen in preview only.
  }
}
