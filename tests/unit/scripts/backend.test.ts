import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cloneStateFolder } from "../../../provider/host/folders.ts";
import {
  chooseBackend,
  credentialsFolder,
  localBackend,
  shown,
} from "../../../scripts/lib/backend.ts";
import { ownEnvironment } from "../../../scripts/lib/environment.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();
beforeEach(() => {
  for (const name of ["PULUMI_BACKEND_URL", "PULUMI_HOME"]) vi.stubEnv(name, undefined);
  vi.stubEnv("XDG_STATE_HOME", folder("states"));
  vi.stubEnv("PULUMI_CREDENTIALS_PATH", folder("credentials"));
  for (const name of ["credentials", "project"]) mkdirSync(folder(name));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const project = () => folder("project");
const own = () => `file://${join(cloneStateFolder(project()), "backend")}`;
const loggedIn = (content: unknown) => {
  writeFileSync(folder("credentials/credentials.json"), JSON.stringify(content));
};
const configured = (text: string) => {
  writeFileSync(folder("project/Pulumi.yaml"), `name: p\n${text}runtime: nodejs\n`);
};

describe("the backend", () => {
  test("is the clone's own where nobody chose another one", () => {
    expect(chooseBackend(project())).toEqual({ url: own(), chosenBy: "default" });
    configured("");
    // As it is after `pulumi logout`.
    loggedIn({ accessTokens: {}, accounts: {} });
    expect(chooseBackend(project())).toEqual({ url: own(), chosenBy: "default" });
  });

  test("is where somebody has logged in, or what Pulumi.yaml says, or the environment, each before the one before", () => {
    loggedIn({ current: "s3://login" });
    expect(chooseBackend(project())).toEqual({ url: "s3://login", chosenBy: "pulumi login" });
    configured("backend:\n  url: gs://project\n");
    expect(chooseBackend(project())).toEqual({ url: "gs://project", chosenBy: "Pulumi.yaml" });
    vi.stubEnv("PULUMI_BACKEND_URL", "postgres://environment");
    expect(chooseBackend(project())).toEqual({
      url: "postgres://environment",
      chosenBy: "PULUMI_BACKEND_URL",
    });
    vi.stubEnv("PULUMI_BACKEND_URL", "");
    expect(chooseBackend(project()).chosenBy).toBe("Pulumi.yaml");
  });

  test("stays the clone's own while its stacks are there, and the login is named", () => {
    loggedIn({ current: "https://api.pulumi.com" });
    const stacks = join(cloneStateFolder(project()), "backend/.pulumi/stacks/v4vsockets-testbed");
    mkdirSync(stacks, { recursive: true });
    writeFileSync(join(stacks, "dev.json.bak"), "{}");
    expect(chooseBackend(project()).chosenBy).toBe("pulumi login");
    writeFileSync(join(stacks, "dev.json"), "{}");
    expect(chooseBackend(project())).toEqual({
      url: own(),
      chosenBy: "default",
      passedOver: "https://api.pulumi.com",
    });
  });

  test.each([
    ["an encrypted login", { $pulumiSecureStore: 1, data: "x" }],
    ["a file that is none", "text {"],
  ])("is the engine's to find with %s", (_what, content) => {
    loggedIn(content);
    if (typeof content === "string") writeFileSync(folder("credentials/credentials.json"), content);
    expect(chooseBackend(project())).toEqual({ url: undefined, chosenBy: "pulumi login" });
  });

  test("of a Pulumi.yaml that is written in another way is the engine's to find", () => {
    configured("backend: {url: 's3://b'}\n");
    expect(chooseBackend(project())).toEqual({ url: undefined, chosenBy: "Pulumi.yaml" });
  });
});

describe("a login is looked for", () => {
  test("where the engine looks", () => {
    expect(credentialsFolder({ PULUMI_CREDENTIALS_PATH: "/c", PULUMI_HOME: "/h" })).toBe("/c");
    expect(credentialsFolder({ PULUMI_CREDENTIALS_PATH: "", PULUMI_HOME: "/h" })).toBe("/h");
    expect(credentialsFolder({ HOME: "/elsewhere" })).toBe(join(userInfo().homedir, ".pulumi"));
  });
});

describe("what the engine is told", () => {
  test("with the clone's own backend is that, and of no login", () => {
    const { variables } = ownEnvironment();
    expect(variables.PULUMI_BACKEND_URL).toMatch(/^file:.*\/backend$/);
    expect(variables).not.toHaveProperty("PULUMI_CREDENTIALS_PATH");
  });

  test("with another one is who is logged in, and the rest is the clone's", () => {
    loggedIn({ current: "s3://login" });
    vi.stubEnv("PULUMI_CREDENTIALS_PATH", undefined);
    vi.stubEnv("PULUMI_BACKEND_URL", "s3://b");
    const { variables } = ownEnvironment();
    expect(variables).not.toHaveProperty("PULUMI_BACKEND_URL");
    expect(variables.PULUMI_CREDENTIALS_PATH).toBe(join(userInfo().homedir, ".pulumi"));
    expect(variables.PULUMI_HOME).toContain("/pulumi-home");
  });

  test("with a PULUMI_HOME of the user's is nothing of these", () => {
    vi.stubEnv("PULUMI_HOME", folder("home"));
    vi.stubEnv("PULUMI_BACKEND_URL", "s3://b");
    const { variables } = ownEnvironment();
    expect(Object.keys(variables)).not.toContain("PULUMI_HOME");
    expect(Object.keys(variables)).not.toContain("PULUMI_CREDENTIALS_PATH");
  });
});

test.each([
  ["file:///a/b", "/a/b"],
  ["file:///a/b?no_tmp_dir=true", "/a/b"],
  ["file://~", userInfo().homedir],
  ["file://~/x", `${userInfo().homedir}/x`],
  ["file://./x", undefined],
  ["s3://b", undefined],
  [undefined, undefined],
])("the folder of %s is %s", (url, path) => {
  expect(localBackend(url)).toBe(path);
});

test("an address is shown without the password in it", () => {
  expect(shown("postgres://ann:sesame@db:5432/x")).toBe("postgres://…@db:5432/x");
  expect(shown("s3://bucket?region=eu")).toBe("s3://bucket?region=eu");
});
