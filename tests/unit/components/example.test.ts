import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { HOST } from "../config/corpus.ts";
import { Engine } from "../helpers/pulumiMocks.ts";
import { outputs } from "./world.ts";

test("another project makes a Xen host of the exported components, and nothing else", async () => {
  const { engine, result } = await Engine.run(
    () => {
      pulumi.runtime.setAllConfig({
        [`${pulumi.getProject()}:hosts`]: JSON.stringify([{ ...HOST, keyFile: "/keys/rack" }]),
      });
      return import("../../../examples/xen-host/index.ts");
    },
    { outputs },
  );
  const made = engine.registered
    .filter(({ type }) => type.startsWith("v4v:index:"))
    .map(({ name }) => name)
    .sort();
  expect(made).toEqual([
    "build-buildroot",
    "build-hypervisor",
    "build-index",
    "build-xen-source",
    "host-files",
    "host-key",
    "host-xen",
    "machine-folder",
    "machine-host",
  ]);
  expect(engine.one("v4v:index:Hypervisor").inputs.trial).toBe(true);
  expect(await new Promise((resolve) => result.version.apply(resolve))).toBe("4.20");
});
