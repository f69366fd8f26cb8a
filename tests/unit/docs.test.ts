import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { testbedProgram } from "../../scripts/program.ts";
import {
  anchorsOf,
  codeOf,
  deadLinks,
  wrongCommands,
  type Known,
} from "./helpers/documentation.ts";

const PROJECT = join(import.meta.dirname, "../..");
const PAGES = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "benchmarks/README.md"],
  ...readdirSync(join(PROJECT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  "docs/designs/v4v.md",
];
const { scripts } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const known: Known = {
  project: PROJECT,
  program: testbedProgram(),
  npmScripts: Object.keys(scripts),
};
const up = known.program.commands.find((command) => command.name() === "up");
const upFlags = (up?.options ?? []).map(({ long }) => long);

describe.each(PAGES)("%s", (page) => {
  const text = readFileSync(join(PROJECT, page), "utf8");

  test("links to files and headings that there are", () => {
    expect(deadLinks(join(PROJECT, page), text)).toEqual([]);
  });

  test("shows commands, scripts and options that there are", () => {
    expect(codeOf(text).flatMap((line) => wrongCommands(line, known))).toEqual([]);
  });
});

test("the README's table of settings names flags of up", () => {
  const readme = readFileSync(join(PROJECT, "README.md"), "utf8");
  const flags = [...readme.matchAll(/^\| `[\w.]+` +\| `(--[a-z0-9-]+)`/gm)].map(([, flag]) => flag);
  expect(flags.length).toBeGreaterThan(15);
  expect(flags.filter((flag) => !upFlags.includes(flag))).toEqual([]);
});

test("scripts of package.json call files and commands that there are", () => {
  const own = Object.values(scripts).filter((script) => script.startsWith("scripts/"));
  expect(own.length).toBeGreaterThan(10);
  expect(own.flatMap((script) => wrongCommands(script, known))).toEqual([]);
});

test("every command can be called by npm run", () => {
  const names = known.program.commands.map((command) => command.name());
  expect(names.filter((name) => !known.npmScripts.includes(name))).toEqual([]);
});

describe("the check itself", () => {
  test("finds links that lead nowhere", () => {
    const text =
      "[a](docs/v4v.md) [b](docs/gone.md) [c](#here) [d](#gone) [e](https://x.test) [f](docs/v4v.md#gone)\n# Here\n[g]: gone\n";
    expect(deadLinks(join(PROJECT, "package.json"), "[c](#x)")).toEqual(["#x"]);
    expect(deadLinks(join(PROJECT, "README.md"), text)).toEqual(
      expect.arrayContaining(["docs/gone.md", "#gone", "docs/v4v.md#gone", "gone"]),
    );
    expect(deadLinks(join(PROJECT, "README.md"), "[a](docs/v4v.md) [e](https://x.test)")).toEqual(
      [],
    );
  });

  test("knows GitHub's anchors", () => {
    expect([...anchorsOf("# A `b` & C\n## Twice\n## Twice\n")]).toEqual([
      "a-b--c",
      "twice",
      "twice-1",
    ]);
  });

  test("reads spans and blocks", () => {
    expect(codeOf("say `npm\nrun x`\n\n    ./scripts/up   # y\n```\nz\n```\n")).toEqual([
      "./scripts/up   # y",
      "z",
      "npm run x",
    ]);
  });

  test.each([
    ["npm run nothing", "npm run nothing: there is no such script"],
    ["npm run destroy -- --purged", "destroy --purged: no such option"],
    ['eval "$(npm run -s envs)"', "npm run envs: there is no such script"],
    ["scripts/run nothing", "scripts/run nothing: no such command"],
    ["./scripts/upp --yes", "./scripts/upp: there is no such file"],
    ["./scripts/up --yes --vm 3", "up --vm: no such option"],
    ["true && ./scripts/test --onyl unit", "test --onyl: no such option"],
    ["npm run test:full -- --fuller", "test --fuller: no such option"],
  ])("finds what is wrong with %s", (line, problem) => {
    expect(wrongCommands(line, known)).toEqual([problem]);
  });

  test.each([
    "npm run ssh -- host journalctl --no-pager",
    "./scripts/up --vms 16      # or: --vm 16",
    'eval "$(scripts/run completion bash)"',
    "npm ci",
    "pulumi up --refresh",
  ])("is content with %s", (line) => {
    expect(wrongCommands(line, known)).toEqual([]);
  });
});
