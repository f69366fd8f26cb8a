import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Remote, SmallFile } from "../ssh/remote.ts";

/** As module.sh does it in the build root; the module comes back as text, behind its srcversion. */
const BUILD = `
release=$1 folder=$2
cd "$folder"
make -s -C "/lib/modules/$release/build" M="$folder" modules >make.log 2>&1 || { tail -n 20 make.log >&2; exit 1; }
modinfo -F srcversion v4v.ko
strip --strip-debug v4v.ko
base64 v4v.ko`;

/** Files of a folder that a module is made of; subfolders hold other things. */
function sourcesIn(folder: string): { name: string; content: string }[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(Kbuild|Makefile|.*\.[ch])$/.test(entry.name))
    .map(({ name }) => ({ name, content: readFileSync(join(folder, name), "utf8") }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** What is sent to the host: the module's sources with the ABI header beside them. */
export function moduleSources(project: string, folder: string): SmallFile[] {
  return ["kernel/linux", "kernel/include"]
    .flatMap((part) => sourcesIn(join(project, part)))
    .map(({ name, content }) => ({ path: `${folder}/${name}`, mode: 0o644, content }));
}

export interface BuiltModule {
  path: string;
  facts: { "kernel-release": string; srcversion: string; sha256: string };
}

/**
 * Builds the module on a host, against the headers of a kernel that is installed there, and fetches it.
 *
 * @param output folder on the controller that gets v4v.ko
 */
export async function buildOnHost(
  remote: Remote,
  project: string,
  kernel: string,
  folder: string,
  output: string,
): Promise<BuiltModule> {
  const what = `building the module for kernel ${kernel}`;
  await remote.run(what, 'rm -rf -- "$1"; mkdir -p "$1"', folder);
  await remote.write(moduleSources(project, folder));
  const said = await remote.run(what, BUILD, kernel, folder);
  await remote.run("removing the module's sources", 'rm -rf -- "$1"', folder);
  const line = said.indexOf("\n");
  const module = Buffer.from(said.slice(line + 1), "base64");
  mkdirSync(output, { recursive: true, mode: 0o700 });
  writeFileSync(join(output, "v4v.ko.new"), module);
  renameSync(join(output, "v4v.ko.new"), join(output, "v4v.ko"));
  return {
    path: output,
    facts: {
      "kernel-release": kernel,
      srcversion: said.slice(0, line).trim(),
      sha256: createHash("sha256").update(module).digest("hex"),
    },
  };
}
