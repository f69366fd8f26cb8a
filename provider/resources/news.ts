import { appendFileSync, existsSync, statSync } from "node:fs";
import type { Remote } from "../ssh/remote.ts";

/** A file that a unit in dom0 writes to, and its copy here, which is a beginning of it. */
export interface Source {
  /** The run's folder in dom0. */
  folder: string;
  /** Of the unit's own files there: see startUnit. */
  prefix: string;
  /** Name of the file there. */
  file: string;
  /** The copy. */
  copy: string;
  /** Further shell that prints one line, and its arguments. */
  also?: { script: string; arguments: readonly string[] };
}

export interface News {
  /** How the unit ended; undefined while it runs. */
  status: string | undefined;
  /** What the further shell printed. */
  also: string;
  /** What the copy has got. */
  text: string;
}

const LOOK = ({ prefix, file, also }: Source): string => `
cd "$1"
offset=$2
shift 2
cat ${prefix}status 2>/dev/null || echo running
${also?.script ?? "echo"}
tail -c "+$((offset + 1))" ${file} 2>/dev/null || :`;

/** Brings home what a unit has written since the last time. */
export async function bringNews(remote: Remote, what: string, source: Source): Promise<News> {
  const { folder, copy, also } = source;
  const offset = existsSync(copy) ? statSync(copy).size : 0;
  const answer = await remote.run(
    what,
    LOOK(source),
    folder,
    String(offset),
    ...(also?.arguments ?? []),
  );
  const [status = "", line = "", ...rest] = answer.split("\n");
  const text = rest.join("\n");
  if (text !== "") appendFileSync(copy, text);
  return { status: status === "running" ? undefined : status, also: line, text };
}
