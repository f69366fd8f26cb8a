import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { capture } from "./process.ts";
import { listed, listRuns, runNamed, type Run } from "./runs.ts";
import { UserError } from "./userError.ts";

export interface Bundle {
  size: number;
  sha256: string;
  /** Symbolic links, sockets and the like: only plain files are packed. */
  leftOut: string[];
}

/** @throws UserError for a run that is not there or not complete, with those that are there */
export function chooseRun(artifacts: string, name: string): Run & { endedAt: string } {
  const others = () => listed(listRuns(artifacts));
  const run = runNamed(artifacts, name);
  if (run === undefined)
    throw new UserError(`there is no run ${JSON.stringify(name)}; ${others()}`);
  const { endedAt, lacks } = run;
  if (lacks !== undefined || endedAt === undefined || Number.isNaN(Date.parse(endedAt)))
    throw new UserError(
      `run ${run.id} is not complete: ${lacks ?? "its manifest names no end"}; ./scripts/up takes it up again; ${others()}`,
    );
  return { ...run, endedAt };
}

/** Plain files below a folder, sorted; links are neither followed nor packed. */
function filesIn(folder: string): { files: string[]; leftOut: string[] } {
  const files: string[] = [];
  const leftOut: string[] = [];
  // Not readdir's `recursive`: it goes through symbolic links to folders.
  const walk = (below: string) => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (entry.isDirectory()) walk(path);
      else (entry.isFile() ? files : leftOut).push(path);
    }
  };
  walk("");
  return { files: files.sort(), leftOut: leftOut.sort() };
}

/** @throws UserError if a file holds a private key: a bundle is made to be given away */
function checkForKeys(folder: string, files: readonly string[]): void {
  for (const file of files) {
    if (!/-----BEGIN [A-Z ]*PRIVATE KEY/.test(readFileSync(join(folder, file), "latin1"))) continue;
    throw new UserError(
      `${join(folder, file)} holds a private key and a bundle is for others; remove it from there and run this again`,
    );
  }
}

/** Packs a run; the same run gives the same bytes, whoever packs it and when. */
export function pack(run: Run & { endedAt: string }, archive: string): Bundle {
  if (archive.startsWith(`${run.path}/`))
    throw new UserError(`${archive} lies in the run itself; choose another place with --output`);
  if (!existsSync(dirname(archive)))
    throw new UserError(`there is no folder ${dirname(archive)}; make it, or choose another one`);
  if (existsSync(archive) && statSync(archive).isDirectory())
    throw new UserError(`${archive} is a folder; name a file in it`);
  const { files, leftOut } = filesIn(run.path);
  checkForKeys(run.path, files);
  const unfinished = `${archive}.${process.pid}.new`;
  const args = [
    ...["--create", "--file", unfinished, "--use-compress-program", "gzip -n"],
    ...["--format=gnu", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rw,go=r"],
    // A second is what the format holds.
    ...[`--mtime=@${Math.floor(Date.parse(run.endedAt) / 1000)}`],
    ...["--no-recursion", "--directory", dirname(run.path), "--"],
    ...files.map((file) => `${run.id}/${file}`),
  ];
  try {
    const { code, stderr } = capture("tar", args, { ...process.env, LC_ALL: "C" });
    if (code !== 0)
      throw new UserError(
        code === 127
          ? "tar is not installed; install it and run this again"
          : `tar failed with code ${code}: ${stderr.trim()}; free some space or choose another place with --output`,
      );
    renameSync(unfinished, archive);
  } finally {
    rmSync(unfinished, { force: true });
  }
  const bytes = readFileSync(archive);
  return {
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    leftOut,
  };
}
