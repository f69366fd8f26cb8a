import { describe, expect, test } from "vitest";
import { attached, capture, must } from "../../../scripts/lib/process.ts";
import { UserError } from "../../../scripts/lib/userError.ts";

describe("a captured program", () => {
  test("gives its code and what it printed on either stream", () => {
    expect(capture("sh", ["-c", "echo out; echo err >&2; exit 3"])).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("that is not there gives 127; one that a signal ended, 128; one that takes too long, 126", () => {
    expect(capture("v4v-no-such-program", [])).toMatchObject({ code: 127, stdout: "" });
    expect(capture("sh", ["-c", "kill -9 $$"]).code).toBe(128);
    expect(capture("sleep", ["60"], process.env, 200).code).toBe(126);
  });

  test("gets its arguments as they are, and the environment that is given", () => {
    const { stdout } = capture("sh", ["-c", 'printf "%s|%s" "$1" "$A"', "sh", "$(x) 'y'"], {
      PATH: process.env.PATH,
      A: "b c",
    });
    expect(stdout).toBe("$(x) 'y'|b c");
  });

  test("may print much", () => {
    expect(capture("head", ["-c", "20000000", "/dev/zero"]).stdout).toHaveLength(20_000_000);
  });
});

describe("a program that must succeed", () => {
  test("gives what it printed", () => {
    expect(must("sh", ["-c", "echo out; echo err >&2"])).toBe("out\n");
  });

  test.each([
    ["echo out; echo err >&2; exit 2", "err"],
    ["echo out; exit 2", "out"],
  ])("and fails (%s) is told with what it said", (script, said) => {
    expect(() => must("sh", ["-c", script])).toThrow(UserError);
    expect(() => must("sh", ["-c", script])).toThrow(
      new RegExp(`^sh -c .* failed with code 2:\\n${said}$`),
    );
  });
});

describe("a program on this terminal", () => {
  test.each([
    ["exit 0", 0],
    ["exit 7", 7],
    ["kill -INT $$", 130],
    ["kill -KILL $$", 128],
  ])("%s gives %i", async (script, code) => {
    expect(await attached("sh", ["-c", script], process.env)).toBe(code);
  });

  test("leaves no listener behind, also when it is not there", async () => {
    const count = () => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");
    const before = count();
    await attached("true", [], process.env);
    await expect(attached("v4v-no-such-program", [], process.env)).rejects.toThrow("ENOENT");
    expect(count()).toBe(before);
  });
});
