import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { HOST } from "../config/corpus.ts";
import { Engine } from "../helpers/pulumiMocks.ts";
import { outputs } from "./world.ts";

test("another project brings V4V to a host and to domUs that are there already", async () => {
  const domains = [
    { name: "web", address: "192.0.2.11", hostKey: HOST.hostKey },
    { name: "db", address: "192.0.2.12", hostKey: HOST.hostKey, user: "ann", keyFile: "/keys/db" },
  ];
  const { engine } = await Engine.run(
    () => {
      pulumi.runtime.setAllConfig({
        [`${pulumi.getProject()}:hosts`]: JSON.stringify([{ ...HOST, keyFile: "/keys/rack" }]),
        "guests:domains": JSON.stringify(domains),
      });
      return import("../../../examples/v4v-in-domus/index.ts");
    },
    { outputs },
  );
  expect(
    engine.registered
      .filter(({ type }) => type === "v4v:index:Build")
      .map(({ name }) => name)
      .sort(),
  ).toEqual(["build-buildroot", "build-index", "build-module-package", "build-sockets"]);
  const packagesOf = (name: string) => {
    const { inputs } = engine.one("v4v:index:Packages", `${name}-packages`);
    return inputs as {
      connection: Record<string, unknown>;
      needs: string[];
      packages: { name: string; source: string; build: string }[];
      then: string;
    };
  };
  const dom0 = packagesOf("dom0");
  expect(dom0.connection).toMatchObject({ host: HOST.address, keyFile: "/keys/rack" });
  expect(dom0.packages.map(({ name }) => name)).toEqual([
    "v4v-module-dkms",
    "v4v-sockets",
    "v4v-dom0",
  ]);
  expect(dom0.packages[0]).toMatchObject({
    source: expect.stringMatching(
      /^\/cache\/module-package\/packages\/v4v-module-dkms_\d[^_]*_all\.deb$/,
    ) as string,
    build: "DKMS",
  });
  expect(dom0.then).toContain("v4vd.service");
  const db = packagesOf("db");
  expect(db.connection).toMatchObject({ host: "192.0.2.12", user: "ann", sudo: true });
  // Through the host, by that one's own login.
  expect(db.connection.via).toMatchObject({ host: HOST.address, keyFile: "/keys/rack" });
  expect(db.packages.map(({ name }) => name)).toEqual(["v4v-module-dkms", "v4v-sockets"]);
  expect(db.then).not.toContain("v4vd");
  expect(db.needs).toContain("linux-headers");
});

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
