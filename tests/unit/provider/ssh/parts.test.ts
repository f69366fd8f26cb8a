import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { asRootOfDom0, hostNames, hostOfDomain } from "../../../../scripts/lib/dom0.ts";
import {
  removeDomainConfig,
  sshConfigPath,
  writeDomainConfig,
  writeHostConfig,
} from "../../../../provider/ssh/clientConfig.ts";
import { RemoteFailure, Unreachable } from "../../../../provider/ssh/errors.ts";
import { newKey } from "../../../../provider/ssh/keys.ts";
import { quote } from "../../../../provider/ssh/quote.ts";
import { describe as nameOf, hostKeyBytes, sessionName } from "../../../../provider/ssh/target.ts";
import { pause, untilReachable } from "../../../../provider/ssh/wait.ts";
import { useFolder } from "../../helpers/folder.ts";
import { soundKey } from "../../helpers/sshServer.ts";
import { hostileText } from "../../helpers/hostileText.ts";
import fc, { PATIENCE, runs } from "../../helpers/property.ts";

const folder = useFolder();

describe("a quoted word", () => {
  test("comes out of a shell as it went in", () => {
    const word = fc
      .string({ unit: "binary", maxLength: 20 })
      .filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const said = execFileSync("sh", ["-c", `printf '%s\\0' ${words.map(quote).join(" ")}`]);
        expect(said.toString()).toBe(Buffer.from(words.map((w) => `${w}\0`).join("")).toString());
      }),
      { numRuns: 50 },
    );
  });

  test(
    "made of what shells take for more than text does, too, and nothing of it is run",
    { timeout: PATIENCE },
    () => {
      const word = hostileText().filter((text) => !text.includes("\0"));
      fc.assert(
        fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
          for (const shell of ["sh", "bash"]) {
            const script = `printf '%s\\0' ${words.map(quote).join(" ")}`;
            const said = execFileSync(shell, ["-c", script], { cwd: folder() });
            expect(said.toString()).toBe(
              Buffer.from(words.map((w) => `${w}\0`).join("")).toString(),
            );
          }
        }),
        { numRuns: runs(40) },
      );
      expect(readdirSync(folder())).toEqual([]);
    },
  );

  test("is left alone where it needs nothing, and a NUL byte is refused", () => {
    expect(quote("/usr/bin/x-1.2")).toBe("/usr/bin/x-1.2");
    expect(quote("")).toBe("''");
    expect(() => quote("a\0b")).toThrow("NUL");
  });
});

describe("a key pair", () => {
  test("is Ed25519, each another one, as OpenSSH reads it", () => {
    const [one, two] = [soundKey(), soundKey()];
    expect(one.publicKey).not.toBe(two.publicKey);
    expect(one.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
    writeFileSync(folder("key"), one.privateKey, { mode: 0o600 });
    const said = execFileSync("ssh-keygen", ["-y", "-f", folder("key")], { encoding: "utf8" });
    expect(said.trim().split(" ").slice(0, 2).join(" ")).toBe(one.publicKey);
    expect(hostKeyBytes(one.publicKey).subarray(4, 15).toString()).toBe("ssh-ed25519");
  });
});

test("every new key can be read: a public half that begins with a zero byte is one in 256", () => {
  for (let i = 0; i < 1500; i++) {
    const { privateKey, publicKey } = newKey("x");
    expect(hostKeyBytes(publicKey)).toHaveLength(51);
    expect(ssh2.utils.parseKey(privateKey)).not.toBeInstanceOf(Error);
  }
});

describe("a machine's name", () => {
  const connection = {
    host: "h",
    port: 22,
    user: "root",
    privateKey: "SECRET",
    hostKey: "ssh-ed25519 AAAA",
  };
  test("holds no key, the usual port is left out, the way to it is not", () => {
    expect(nameOf(connection)).toBe("root@h");
    expect(nameOf({ ...connection, port: 23, via: connection })).toBe("root@h:23 (through root@h)");
  });

  test("differs for the session wherever another machine could answer", () => {
    const variants = [
      connection,
      { ...connection, host: "i" },
      { ...connection, port: 23 },
      { ...connection, user: "u" },
      { ...connection, hostKey: "ssh-ed25519 BBBB" },
      { ...connection, via: connection },
    ];
    expect(new Set(variants.map(sessionName)).size).toBe(variants.length);
    for (const name of variants.map(sessionName)) expect(name).not.toContain("SECRET");
  });
});

describe("waiting", () => {
  test("goes on while the far side is unreachable, and tells each time", async () => {
    const seen: number[] = [];
    let tries = 0;
    const answer = await untilReachable(
      "asking",
      AbortSignal.timeout(20_000),
      () => (++tries < 3 ? Promise.reject(new Unreachable("no")) : Promise.resolve("yes")),
      (_error, count) => seen.push(count),
    );
    expect([answer, tries, seen]).toEqual(["yes", 3, [1, 2]]);
  });

  test("ends at once for any other error", async () => {
    let tries = 0;
    const asking = untilReachable("asking", AbortSignal.timeout(20_000), () => {
      tries += 1;
      return Promise.reject(new RemoteFailure("x", "h", 1, ""));
    });
    await expect(asking).rejects.toThrow("x on h failed with exit code 1");
    expect(tries).toBe(1);
  });

  test("a pause ends with the signal, and says what was waited for and why it ended", async () => {
    const stop = new AbortController();
    const waiting = pause(60_000, stop.signal, "booting", new Error("refused"));
    stop.abort(new Error("cancelled"));
    await expect(waiting).rejects.toThrow("booting: cancelled; last seen: refused");
  });
});

describe("the ssh client's configuration", () => {
  const { privateKey, publicKey } = soundKey();
  const inside = (...parts: string[]) => folder("ssh", ...parts);

  /** What OpenSSH itself makes of it. */
  const resolved = (name: string): Map<string, string> => {
    const text = execFileSync("ssh", ["-G", "-F", inside("config"), name], { encoding: "utf8" });
    return new Map(
      text
        .split("\n")
        .map((line) => [line.split(" ")[0] ?? "", line.split(" ").slice(1).join(" ")]),
    );
  };

  test("leads OpenSSH to the host and to a domU through it, keys pinned", () => {
    writeHostConfig(folder(), { port: 2222, privateKey, hostKey: publicKey });
    writeDomainConfig(folder(), { name: "domu1", address: "10.83.0.11", hostKey: publicKey });
    const host = resolved("host");
    expect([host.get("hostname"), host.get("port"), host.get("user")]).toEqual([
      "127.0.0.1",
      "2222",
      "root",
    ]);
    expect(["true", "yes"]).toContain(host.get("stricthostkeychecking"));
    const domain = resolved("domu1");
    expect([domain.get("hostname"), domain.get("proxyjump")]).toEqual(["10.83.0.11", "host"]);
    for (const [name, file] of [
      ["host", host.get("userknownhostsfile")],
      ["domu1", domain.get("userknownhostsfile")],
    ] as const)
      expect(readFileSync(String(file), "utf8")).toBe(`${name} ${publicKey}\n`);
  });

  test("leads to a host that stays by its jump host, each by its own key or the agent's", () => {
    const { privateKey, publicKey } = soundKey();
    const [jumpKey, hostKey] = [newKey("jump").publicKey, newKey("host").publicKey];
    const via = { host: "gate.example", port: 2222, user: "guest", hostKey: jumpKey };
    const reached = {
      host: "rack1.example",
      port: 22,
      user: "admin",
      keyFile: "/keys/the rack's",
      hostKey,
      via,
    };
    writeHostConfig(folder(), { port: 0, privateKey, hostKey: publicKey, reached });
    writeDomainConfig(folder(), { name: "domu1", address: "10.83.0.11", hostKey: publicKey });
    const host = resolved("host");
    expect([host.get("hostname"), host.get("user"), host.get("proxyjump")]).toEqual([
      "rack1.example",
      "admin",
      "host-jump",
    ]);
    expect(["true", "yes"]).toContain(host.get("stricthostkeychecking"));
    const jump = resolved("host-jump");
    expect([jump.get("hostname"), jump.get("port"), jump.get("user")]).toEqual([
      "gate.example",
      "2222",
      "guest",
    ]);
    expect(readFileSync(String(host.get("userknownhostsfile")), "utf8")).toBe(
      `host ${hostKey}\nhost-jump ${jumpKey}\n`,
    );
    expect(readFileSync(folder("ssh/config"), "utf8")).toContain(
      'IdentityFile "/keys/the rack\'s"',
    );
    expect(resolved("domu1").get("proxyjump")).toBe("host");
    expect(resolved("domu1").get("user")).toBe("root");
  });

  test("leads to each of several hosts, and to a domU through its own", () => {
    const { privateKey, publicKey } = soundKey();
    const [one, other] = [newKey("one").publicKey, newKey("other").publicKey];
    const reached = (host: string, hostKey: string) => ({ host, port: 22, user: "admin", hostKey });
    writeHostConfig(folder(), {
      port: 0,
      privateKey,
      hostKey: publicKey,
      reached: reached("rack1.example", one),
      further: [{ name: "host2", reached: reached("rack2.example", other) }],
    });
    const domain = { address: "10.83.0.13", hostKey: publicKey };
    writeDomainConfig(folder(), { ...domain, name: "domu2" });
    writeDomainConfig(folder(), { ...domain, name: "domu3", jump: "host2" });
    expect(resolved("host").get("hostname")).toBe("rack1.example");
    expect(resolved("host2").get("hostname")).toBe("rack2.example");
    expect(readFileSync(String(resolved("host2").get("userknownhostsfile")), "utf8")).toBe(
      `host ${one}\nhost2 ${other}\n`,
    );
    expect(resolved("domu2").get("proxyjump")).toBe("host");
    expect(resolved("domu3").get("proxyjump")).toBe("host2");
    const config = sshConfigPath(folder());
    expect(hostNames(config)).toEqual(["host", "host2"]);
    expect(hostOfDomain(config, "domu3")).toBe("host2");
    expect(hostOfDomain(config, "domu2")).toBe("host");
    expect(asRootOfDom0(config, "true", "host2")).toBe("sudo -n -- sh -c true");
  });

  test(
    "leads to the right files, whatever the folder is called, or is refused",
    { timeout: PATIENCE },
    () => {
      const name = fc
        .oneof(
          hostileText(),
          fc.stringMatching(/^[ -~]{1,20}$/),
          fc.constantFrom(
            "a b",
            "a%hb",
            'a"b',
            "a\\b",
            "[a]*?",
            "{a,b}",
            "#a",
            "a'b",
            "$HOME",
            "~",
          ),
        )
        .map((text) => text.replaceAll(/[/\0]/g, "_"))
        .filter((text) => Buffer.byteLength(text) < 200 && ![".", "..", ""].includes(text));
      let written = 0;
      fc.assert(
        fc.property(name, (text) => {
          const state = folder(text);
          try {
            writeHostConfig(state, { port: 2222, privateKey, hostKey: publicKey });
            writeDomainConfig(state, { name: "domu1", address: "10.83.0.11", hostKey: publicKey });
          } catch (error) {
            expect(String(error)).toContain("cannot be written into a configuration of ssh");
            expect(text).toMatch(/\p{Cc}|\$\{/u);
            return;
          }
          written += 1;
          const config = join(state, "ssh", "config");
          const said = execFileSync("ssh", ["-G", "-F", config, "domu1"], { encoding: "utf8" });
          const lines = said.split("\n");
          expect(lines).toContain("hostname 10.83.0.11");
          expect(lines).toContain("proxyjump host");
          expect(lines).toContain(
            `identityfile ${join(state, "ssh", "id_ed25519").replaceAll("%", "%%")}`,
          );
          expect(said).not.toMatch(/^proxycommand (?!none)/m);
        }),
        { numRuns: runs(25) },
      );
      expect(written).toBeGreaterThan(8);
    },
  );

  test("takes no name, address or host key that could be a line of its own", () => {
    const domain = { name: "domu1", address: "10.83.0.11", hostKey: publicKey };
    const foreign = hostileText().filter((text) => !/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(text));
    fc.assert(
      fc.property(foreign, fc.constantFrom("name", "address"), (text, field) => {
        expect(() => {
          writeDomainConfig(folder(), { ...domain, [field]: text });
        }).toThrow("is no name");
      }),
      { numRuns: runs(100) },
    );
    expect(() => {
      writeDomainConfig(folder(), { ...domain, hostKey: "ssh-rsa AAAA" });
    }).toThrow("not a public host key");
    writeDomainConfig(folder(), { ...domain, hostKey: `${publicKey}\nevil ${publicKey}` });
    expect(readFileSync(inside("domains", "domu1.known_hosts"), "utf8")).toBe(
      `domu1 ${publicKey}\n`,
    );
  });

  test("puts a key into no file that others may read already", () => {
    mkdirSync(inside(), { recursive: true });
    writeFileSync(inside("id_ed25519"), "", { mode: 0o644 });
    writeHostConfig(folder(), { port: 2222, privateKey, hostKey: publicKey });
    expect(statSync(inside("id_ed25519")).mode & 0o777).toBe(0o600);
  });

  test("is its owner's alone", () => {
    writeHostConfig(folder(), { port: 2222, privateKey: privateKey.trim(), hostKey: publicKey });
    writeDomainConfig(folder(), { name: "domu1", address: "10.83.0.11", hostKey: publicKey });
    for (const name of readdirSync(inside(), { recursive: true, encoding: "utf8" })) {
      const stat = statSync(inside(name));
      expect(stat.mode & 0o077, name).toBe(0);
    }
    expect(readFileSync(inside("id_ed25519"), "utf8")).toBe(`${privateKey.trim()}\n`);
  });

  test("forgets one domU and keeps the others; forgetting twice is no error", () => {
    writeHostConfig(folder(), { port: 2222, privateKey, hostKey: publicKey });
    for (const name of ["domu1", "domu10"])
      writeDomainConfig(folder(), { name, address: "10.83.0.11", hostKey: publicKey });
    removeDomainConfig(folder(), "domu1");
    removeDomainConfig(folder(), "domu1");
    expect(readdirSync(inside("domains")).sort()).toEqual(["domu10.conf", "domu10.known_hosts"]);
    expect(existsSync(join(folder(), "ssh", "config"))).toBe(true);
  });
});
