import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";

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
  /** Shell script to run on the host after something was changed, and on every new incarnation if `always`. */
  then?: string;
  /** Filled in by check: SHA-256 of each file that should be there. */
  digests?: Record<string, string>;
}

/** Puts files in place, below `root` if one is given. */
export async function placeFiles(
  remote: Remote,
  files: readonly RemoteFile[],
  root = "",
): Promise<void> {
  const mode = (file: RemoteFile) => Number.parseInt(file.mode, 8);
  const small = files.filter((file) => file.source === undefined);
  await remote.write(
    small.map((file) => ({
      path: root + file.path,
      mode: mode(file),
      content: file.content ?? "",
    })),
  );
  for (const file of files) {
    if (file.source !== undefined) await remote.upload(file.source, root + file.path, mode(file));
  }
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
    const before = prior === undefined ? [] : typed<FilesInputs>(prior.inputs).files;
    const dropped = before.map((file) => file.path).filter((path) => !wanted.has(path));
    if (dropped.length > 0)
      await remote.run("removing files that are no longer wanted", 'rm -f -- "$@"', ...dropped);
    context.status("writing files");
    await placeFiles(remote, inputs.files);
    if (inputs.then !== undefined) await remote.run("applying the changed files", inputs.then);
    return {};
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<FilesInputs>(prior.inputs);
    const remote = new Remote(
      inputs.connection,
      AbortSignal.any([context.signal, AbortSignal.timeout(20_000)]),
    );
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
    await remote.run("removing files", 'rm -f -- "$@"', ...inputs.files.map((file) => file.path));
  },
};

function safeDigest(file: RemoteFile): string {
  try {
    return digest(file);
  } catch {
    return "unknown"; // A source that is built later, seen in preview only.
  }
}
