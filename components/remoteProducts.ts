import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { usesArchive } from "../config/gpu.ts";
import type { Settings } from "../config/types.ts";
import type { GpuRoute } from "../evaluation/gpu/plan.ts";
import { filled, type RemoteGpuProduct } from "../provider/gpu/archive.ts";
import rcuda from "../provider/gpu/rcuda.json" with { type: "json" };
import type { RemoteFile } from "../provider/resources/files.ts";
import type { GpuBuilds } from "./builds.ts";
import { gpuGuest } from "./network.ts";

/** What serves a GPU to other domUs, and what its clients are given. */
export interface Product {
  /** Of its server: name of its user, and beginning of its units' names. */
  server: string;
  /** First port of its server that is reached by TCP; the one that is reached by V4V has those ten above. */
  port: number;
  command: (port: number) => string;
  serverEnvironment: Record<string, string>;
  /** Variables by which a program finds the server. */
  clientEnvironment: (port: number) => Record<string, string>;
  /** What its clients' caches need to be there. */
  clientFolders: string[];
  serverFiles: pulumi.Output<RemoteFile[]>;
  clientFiles: pulumi.Output<RemoteFile[]>;
  backend?: GpuRoute["backend"];
}

const POCLD = "/usr/local/bin/pocld";

const pocl = ({ pocl: build }: GpuBuilds): Product => ({
  server: "pocld",
  // Two more follow: streams, and other servers.
  port: 10998,
  command: (port) => `${POCLD} -a ${gpuGuest.address} -p ${port}`,
  // Each of the C library's arenas may keep up to 64 MiB of what large transfers have freed, and a server has many threads: they
  // came to more than the domU has.
  serverEnvironment: { POCL_CACHE_DIR: "/var/cache/pocld", MALLOC_ARENA_MAX: "1" },
  clientEnvironment: (port) => ({
    POCL_DEVICES: "remote",
    POCL_REMOTE0_PARAMETERS: `${gpuGuest.address}:${port}/0`,
    OCL_ICD_VENDORS: "/usr/local/share/pocl-remote",
    POCL_CACHE_DIR: "/var/cache/pocl",
  }),
  clientFolders: ["/var/cache/pocl"],
  serverFiles: build.path.apply((path) => [
    { path: POCLD, mode: "755", source: `${path}/server/bin/pocld` },
  ]),
  clientFiles: build.path.apply((path) =>
    [
      "lib/libOpenCL.so.1",
      "lib/libpocl.so.2.13.0",
      "lib/pocl/libpocl-devices-remote.so",
      "share/pocl-remote/pocl.icd",
    ].map((file) => ({
      path: `/usr/local/${file}`,
      mode: "644",
      source: `${path}/client/${file}`,
    })),
  ),
});

/** Where an archive's folder is in the domUs. */
const FOLDER = "/opt/remote-gpu";

/**
 * Every file below a folder, links as what they lead to; a link that leads nowhere is none.
 *
 * @throws for a link out of the folder: what it leads to is the controller's, and nobody's to send
 */
export function filesBelow(root: string, below = ""): RemoteFile[] {
  return readdirSync(join(root, below))
    .sort()
    .flatMap((name): RemoteFile[] => {
      const own = join(below, name);
      const source = join(root, own);
      if (lstatSync(source).isDirectory()) return filesBelow(root, own);
      const found = statSync(source, { throwIfNoEntry: false });
      if (found?.isFile() !== true) return [];
      if (!realpathSync(source).startsWith(realpathSync(root) + sep))
        throw new Error(
          `the archive's ${own} is a link out of it: take an archive without such links`,
        );
      const mode = (found.mode & 0o111) === 0 ? "644" : "755";
      return [{ path: `${FOLDER}/${own}`, mode, source }];
    });
}

/** What a user's archive holds, as its description says. */
function ofArchive(description: RemoteGpuProduct, path: pulumi.Output<string>): Product {
  const { server, client } = description;
  const fill = (text: string, port?: number): string =>
    filled(text, {
      folder: FOLDER,
      server: gpuGuest.address,
      ...(port !== undefined && { port }),
    });
  const all = path.apply((root) => filesBelow(join(root, "tree")));
  const library = client.libraryPath.map((folder) => fill(folder));
  const programs = description.programs.map((program) => `${FOLDER}/${program}`);
  const of = (environment: Record<string, string>, port?: number) =>
    Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, fill(text, port)]));
  return {
    server: description.product.toLowerCase(),
    port: server.ports[0] ?? 0,
    command: (port) => server.command.map((word) => fill(word, port)).join(" "),
    serverEnvironment: of(server.environment),
    clientEnvironment: (port) => ({
      LD_LIBRARY_PATH: library.join(":"),
      ...of(client.environment, port),
    }),
    clientFolders: [],
    // The server computes with the libraries of the GPU's maker: its own, of the same names, are the clients'.
    serverFiles: all.apply((files) => files.filter(({ path: one }) => programs.includes(one))),
    clientFiles: all.apply((files) => files.filter(({ path: one }) => !programs.includes(one))),
    backend: "cuda",
  };
}

/** The product of the settings. */
export function productOf(builds: GpuBuilds, settings: Settings): Product {
  const { archive } = builds;
  return usesArchive(settings) && archive !== undefined
    ? ofArchive(rcuda, archive.path)
    : pocl(builds);
}
