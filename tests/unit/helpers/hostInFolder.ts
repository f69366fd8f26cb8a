import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import type { Behaviour } from "./sshServer.ts";

/** Folders of a host that a test's host has in a folder instead. */
const FOLDERS = /\/(?=(?:boot|etc|run|var\/lib|var\/log|proc|usr\/local|lib\/modules)\/)/g;

/**
 * A host whose folders lie below `folder`: in what it is told to do, paths are written anew. What is sent as a file's content
 * stays as it is.
 *
 * @param programs folder of stand-ins that are found first
 */
export function hostInFolder(folder: string, programs: string): Behaviour {
  const there = (text: string) => text.replaceAll(FOLDERS, `${folder}/`);
  return (channel, _client, command) => {
    const given: Buffer[] = [];
    channel.on("data", (chunk: Buffer) => given.push(chunk));
    channel.once("end", () => {
      const input = Buffer.concat(given);
      const child = spawn("/bin/sh", ["-c", there(command)], {
        env: { ...process.env, PATH: [programs, process.env.PATH ?? ""].join(delimiter) },
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(command.includes("sh -eu -s") ? there(input.toString()) : input);
      child.stdout.pipe(channel, { end: false });
      child.stderr.pipe(channel.stderr, { end: false });
      child.on("close", (code) => {
        channel.exit(code ?? 1);
        channel.end();
      });
    });
    return "handled";
  };
}
