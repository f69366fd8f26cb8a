import { afterEach, describe, expect, test, vi } from "vitest";
import { findEngine } from "../../../scripts/lib/engine.ts";
import { UserError } from "../../../scripts/lib/userError.ts";
import { Workspace } from "../../../scripts/lib/workspace.ts";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const folder = useFolder();
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Folders with programs of that name which print a version and do nothing else. */
function onPath(...versions: string[]): string[] {
  const folders = versions.map((version, i) =>
    standIns(folder(`bin${i}`), { pulumi: `echo '${version}'` }),
  );
  vi.stubEnv("PATH", folders.join(":"));
  vi.stubEnv("XDG_CACHE_HOME", folder("cache"));
  return folders;
}

describe("the engine on PATH", () => {
  test.each(["v3.259.0", "3.200.0", "v4.0.0", "v3.300.1-alpha.x"])(
    "of version %s will do",
    (version) => {
      const [bin] = onPath(version);
      expect(findEngine()).toEqual({
        folder: bin,
        version: version.replace(/^v/, ""),
        source: "found on PATH",
      });
    },
  );

  test.each(["v3.199.9", "v2.300.0", "", "command not found", "vX.Y.Z"])(
    "of version %j will not",
    (version) => {
      onPath(version);
      expect(findEngine()).toBeUndefined();
    },
  );

  test("that is too old, or does not run, is passed over for a later one", () => {
    const [, , good] = onPath("v3.0.0", "$(exit 1", "v3.259.0");
    expect(findEngine()?.folder).toBe(good);
  });

  test("is nobody where PATH is empty", () => {
    vi.stubEnv("PATH", "");
    vi.stubEnv("XDG_CACHE_HOME", folder("cache"));
    expect(findEngine()).toBeUndefined();
  });
});

test.each(["", "a b", "../x", "a/b", "-x", ".x", "x\n", "ä", "x".repeat(41), "$(x)"])(
  "%j is no stack's name: refused before an engine is looked for",
  async (name) => {
    vi.stubEnv("PATH", "");
    const error: unknown = await Workspace.open(name, () => undefined).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain("is not a name for a stack");
  },
);
