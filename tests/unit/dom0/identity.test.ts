import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const DOM0 = join(import.meta.dirname, "../../../dom0");
const folder = useFolder();
const OWN = "var/lib/v4v-testbed/domains/domu1";
const KEY = "-----BEGIN KEY-----\nPRIVATE key\n-----END KEY-----\n";

function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(folder(path)), { recursive: true });
  writeFileSync(folder(path), content, { mode });
}
const content = (path: string) => readFileSync(folder(path), "utf8");

/** Runs a script of dom0/ with the paths of its machine below a folder of the test's, and stand-ins first on PATH. */
function run(name: string, args: string[], programs: Record<string, string>) {
  const script = readFileSync(join(DOM0, name), "utf8").replace(
    /\/(?=(var|run|etc|usr|dev\/hvc0))/g,
    `${folder("")}/`,
  );
  put(`scripts/${name}`, script, 0o755);
  return spawnSync("/bin/sh", [folder(`scripts/${name}`), ...args], {
    encoding: "utf8",
    timeout: 20_000,
    env: {
      ...process.env,
      PATH: [standIns(folder(`bin-${name}`), programs), process.env.PATH ?? ""].join(delimiter),
    },
  });
}

/** What dom0 sends; the domU's console is a file here. */
const identify = () =>
  run("domu", ["identify", "domu1"], {
    xl: "echo 7",
    "xenstore-read": `[ "$1" = /local/domain/7/console/tty ] && echo '${folder("dev/hvc0")}'`,
  });

/** A domU that finds this on its console. */
const wait = (console: string) => {
  put("dev/hvc0", console);
  put("etc/v4v/domu.env", "DOMU_NAME=domu1\n");
  put("usr/sbin/sshd", "#!/bin/sh\nexit 1\n", 0o755);
  put("usr/lib/openssh/sshd-session", "");
  mkdirSync(folder("run"), { recursive: true });
  mkdirSync(folder("root"), { recursive: true });
  return run("await-identity", [], {
    stty: `echo "$1" >>'${folder("stty")}'`,
    date: `echo "$*" >'${folder("date")}'`,
    perl: `cat >'${folder("random")}'`,
    // Below the test's folder instead of over this computer's files.
    tar: `exec /usr/bin/env -i /bin/tar "$1" "$2" -C '${folder("root")}' --no-same-owner`,
  });
};

beforeEach(() => {
  put(`${OWN}/payload/payload/etc/ssh/ssh_host_ed25519_key`, KEY, 0o600);
  put(`${OWN}/wanted`, "wanted\n");
  put(`${OWN}/started`, "anonymous 5ad\n");
  put("dev/hvc0", "");
});

test("what dom0 sends by the console is what the domU has afterwards", () => {
  expect(identify()).toMatchObject({ status: 0, stderr: "" });
  expect(content(`${OWN}/started`)).toBe("wanted\n");
  const sent = content("dev/hvc0");
  const [, seconds = "", random = ""] = sent.split(" ");
  expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(60);
  expect(random).toMatch(/^[0-9a-f]{128}$/);

  const said = wait(`somebody types\n\n${sent}`);
  expect(said).toMatchObject({ status: 0, stdout: "v4v: domu1 waits for its identity\n" });
  const key = "root/etc/ssh/ssh_host_ed25519_key";
  expect(content(key)).toBe(KEY);
  expect(statSync(folder(key)).mode & 0o777).toBe(0o600);
  expect(content("date")).toBe(`-u -s @${seconds}\n`);
  expect(content("random")).toBe(`${random}\n`);
  // What is sent is not shown, and a later boot hook does not wait again.
  expect(content("stty")).toBe("-echo\necho\n");
  expect(existsSync(folder("run/identity"))).toBe(false);
  expect(existsSync(folder("scripts/await-identity"))).toBe(false);
});

test("nothing of what came damaged is used, and the next is taken", () => {
  identify();
  const sent = content("dev/hvc0");
  const at = sent.indexOf("\n") + 20;
  const damaged = sent.slice(0, at) + (sent[at] === "A" ? "B" : "A") + sent.slice(at + 1);
  const { stdout } = wait(damaged + sent);
  expect(stdout).toContain("what came is damaged; domu1 goes on waiting");
  expect(content("root/etc/ssh/ssh_host_ed25519_key")).toBe(KEY);
});

test("a domU that waits for nothing is told nothing: its console may be logged", () => {
  put(`${OWN}/started`, "wanted\n");
  expect(identify().status).toBe(3);
  expect(content("dev/hvc0")).toBe("");
  expect(content(`${OWN}/started`)).toBe("wanted\n");
});

test("one to which it could not be sent has not got it, and is not asked twice", () => {
  const failed = run("domu", ["identify", "domu1"], { xl: "echo 7", "xenstore-read": "exit 1" });
  expect(failed.status).not.toBe(0);
  expect(existsSync(folder(`${OWN}/started`))).toBe(false);
  expect(identify().status).not.toBe(0);
  expect(content("dev/hvc0")).toBe("");
});
