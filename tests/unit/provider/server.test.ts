import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import { afterEach, describe, expect, test } from "vitest";
import {
  Refused,
  UNKNOWN,
  type Context,
  type Prior,
  type Properties,
  type Resource,
} from "../../../provider/resource.ts";
import { fromStruct } from "../../../provider/rpc/values.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  ask,
  checkRequest,
  createRequest,
  deleteRequest,
  diffRequest,
  readRequest,
  savedBy,
  startEngine,
  startPlugin,
  updateRequest,
  URN,
  type Plugin,
} from "../helpers/plugin.ts";

interface Call {
  method: string;
  inputs: Properties;
  prior: Prior | undefined;
}

/** A resource that keeps what it was asked, and does what a test says. */
function fake(parts: Partial<Resource> = {}): Resource & { calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    deadlines: { create: 30, update: 30, delete: 30 },
    id: (inputs) => `id of ${JSON.stringify(inputs.name)}`,
    ensure: (_context, inputs, prior) => {
      calls.push({ method: "ensure", inputs, prior });
      return Promise.resolve({ made: true });
    },
    read: (_context, prior) => {
      calls.push({ method: "read", inputs: prior.inputs, prior });
      return Promise.resolve({ inputs: prior.inputs, outputs: prior.outputs });
    },
    delete: (_context, prior) => {
      calls.push({ method: "delete", inputs: prior.inputs, prior });
      return Promise.resolve();
    },
    ...parts,
  };
}

/** Work that ends only when its signal does. */
function untilAborted({ signal }: Context): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function plugin(resource: Resource, engine?: string): Promise<Plugin> {
  const started = await startPlugin(resource, engine);
  stops.push(started.stop);
  return started;
}

async function engine() {
  const started = await startEngine();
  stops.push(started.stop);
  return started;
}

const failure = (promise: Promise<unknown>): Promise<grpc.ServiceError> =>
  promise.then(
    () => {
      throw new Error("succeeded");
    },
    (error: unknown) => error as grpc.ServiceError,
  );

describe("the plugin", () => {
  test("tells its version, and what it does not take", async () => {
    const { client } = await plugin(fake());
    const info = await ask(client, client.getPluginInfo.bind(client), new empty.Empty());
    expect(info.getVersion()).toBe("1.2.3");
    const configured = await ask(
      client,
      client.configure.bind(client),
      new proto.ConfigureRequest(),
    );
    // Secrets come opened, so that the engine and not we keep track of them.
    expect(configured.getAcceptsecrets()).toBe(false);
    expect(configured.getAcceptoutputs()).toBe(false);
    expect(configured.getSupportspreview()).toBe(true);
  });

  test("has no configuration of its own that could change", async () => {
    const { client } = await plugin(fake());
    const checked = await ask(client, client.checkConfig.bind(client), checkRequest({ a: "b" }));
    expect(fromStruct(checked.getInputs())).toEqual({ a: "b" });
    const diff = await ask(client, client.diffConfig.bind(client), new proto.DiffRequest());
    expect(diff.getChanges()).toBe(proto.DiffResponse.DiffChanges.DIFF_NONE);
  });

  test("answers what it does not serve with UNIMPLEMENTED", async () => {
    const { client } = await plugin(fake());
    const error = await failure(ask(client, client.invoke.bind(client), new proto.InvokeRequest()));
    expect(error.code).toBe(grpc.status.UNIMPLEMENTED);
  });

  test("names a type that it does not have, and counts the request as answered", async () => {
    const { client, provider } = await plugin(fake());
    const urn = URN.replace("Thing", "Other");
    for (const request of [
      ask(client, client.check.bind(client), checkRequest({}, undefined, urn)),
      ask(client, client.diff.bind(client), diffRequest({ inputs: {}, outputs: {} }, {}, urn)),
    ]) {
      const error = await failure(request);
      expect(error.details).toContain("this provider has no resource type fake:index:Other");
    }
    expect(provider.running).toBe(0);
  });
});

describe("check", () => {
  test("hands the completed inputs and the failures on", async () => {
    const resource = fake({
      check: (inputs, prior) =>
        Promise.resolve({
          inputs: { ...inputs, before: prior ?? "nothing" },
          failures: [
            { property: "name", reason: "is required" },
            { property: "size", reason: "is too large" },
          ],
        }),
    });
    const { client } = await plugin(resource);
    const first = await ask(client, client.check.bind(client), checkRequest({ size: 3 }));
    expect(fromStruct(first.getInputs())).toEqual({ size: 3, before: "nothing" });
    expect(
      first.getFailuresList().map((entry) => [entry.getProperty(), entry.getReason()]),
    ).toEqual([
      ["name", "is required"],
      ["size", "is too large"],
    ]);
    const second = await ask(
      client,
      client.check.bind(client),
      checkRequest({ size: 3 }, { a: 1 }),
    );
    expect(fromStruct(second.getInputs())).toEqual({ size: 3, before: { a: 1 } });
  });

  test("of a resource without one passes the inputs through", async () => {
    const { client } = await plugin(fake());
    const response = await ask(client, client.check.bind(client), checkRequest({ size: UNKNOWN }));
    expect(fromStruct(response.getInputs())).toEqual({ size: UNKNOWN });
    expect(response.getFailuresList()).toEqual([]);
  });
});

describe("diff", () => {
  const compare = async (
    resource: Resource,
    old: { inputs: Properties; outputs: Properties },
    next: Properties,
  ) => {
    const { client } = await plugin(resource);
    const response = await ask(client, client.diff.bind(client), diffRequest(old, next));
    return {
      some: response.getChanges() === proto.DiffResponse.DiffChanges.DIFF_SOME,
      changed: response.getDiffsList(),
      replace: response.getReplacesList(),
      deleteFirst: response.getDeletebeforereplace(),
    };
  };

  test("compares inputs by value and knows what replaces", async () => {
    const resource = fake({ replaceOn: ["name"], quietInputs: ["connection"] });
    const inputs = { name: "a", size: 1, connection: { port: 1 } };
    const old = { inputs, outputs: { ...inputs, made: true } };
    expect(await compare(resource, old, { ...inputs, connection: { port: 2 } })).toEqual({
      some: false,
      changed: [],
      replace: [],
      deleteFirst: true,
    });
    expect(await compare(resource, old, { ...inputs, name: "b", size: 2 })).toEqual({
      some: true,
      changed: ["name", "size"],
      replace: ["name"],
      deleteFirst: true,
    });
  });

  test("joins what only the resource can see, each name once", async () => {
    const resource = fake({
      diff: (prior, inputs) => ({
        changed: prior.outputs.state === "running" ? [] : ["state", "size"],
        replace: inputs.size === 3 ? ["disk"] : [],
      }),
    });
    const stopped = { inputs: { size: 1 }, outputs: { state: "stopped" } };
    expect(await compare(resource, stopped, { size: 2 })).toMatchObject({
      changed: ["size", "state"],
      replace: [],
    });
    expect(await compare(resource, stopped, { size: 3 })).toMatchObject({
      changed: ["size", "state", "disk"],
      replace: ["disk"],
    });
    const running = { inputs: { size: 1 }, outputs: { state: "running" } };
    expect(await compare(resource, running, { size: 1 })).toMatchObject({ some: false });
  });

  test("has what was never made to its end made, whatever else is the same", async () => {
    const inputs = { name: "a" };
    const half = { inputs, outputs: { ...inputs, unfinished: true } };
    expect(await compare(fake(), half, inputs)).toMatchObject({
      some: true,
      changed: ["unfinished"],
      replace: [],
    });
  });

  test("the new one comes first only where the resource says so", async () => {
    const resource = fake({ replaceOn: ["name"], createBeforeDelete: true });
    const old = { inputs: { name: "a" }, outputs: {} };
    expect(await compare(resource, old, { name: "b" })).toMatchObject({ deleteFirst: false });
  });
});

describe("create", () => {
  test("returns the id and inputs with outputs", async () => {
    const resource = fake();
    const { client } = await plugin(resource);
    const response = await ask(client, client.create.bind(client), createRequest({ name: "a" }));
    expect(response.getId()).toBe('id of "a"');
    expect(fromStruct(response.getProperties())).toEqual({ name: "a", made: true });
    expect(resource.calls).toEqual([{ method: "ensure", inputs: { name: "a" }, prior: undefined }]);
  });

  test("in a preview touches nothing, not even for its id", async () => {
    const resource = fake({
      id: () => {
        throw new Error("asked for an id");
      },
    });
    const { client } = await plugin(resource);
    const request = createRequest({ name: UNKNOWN }, { preview: true });
    const response = await ask(client, client.create.bind(client), request);
    expect(response.getId()).toBe("");
    expect(fromStruct(response.getProperties())).toEqual({ name: UNKNOWN });
    expect(resource.calls).toEqual([]);
  });

  test("that fails half way is saved with id and inputs, for the next up to go on from", async () => {
    const resource = fake({ ensure: () => Promise.reject(new Error("the disk is full")) });
    const { client, provider } = await plugin(resource);
    const inputs = { name: "a", list: [1, { deep: null }] };
    const error = await failure(ask(client, client.create.bind(client), createRequest(inputs)));
    expect(error.code).toBe(grpc.status.UNKNOWN);
    expect(error.details).toBe("the disk is full");
    expect(savedBy(error)).toEqual({
      message: "the disk is full",
      id: 'id of "a"',
      inputs,
      outputs: { ...inputs, unfinished: true },
      reasons: ["the disk is full"],
    });
    expect(provider.running).toBe(0);
  });

  test("that throws something that is no error is saved just the same", async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
    const resource = fake({ ensure: () => Promise.reject("a word") });
    const { client } = await plugin(resource);
    const error = await failure(
      ask(client, client.create.bind(client), createRequest({ name: "a" })),
    );
    expect(savedBy(error)?.reasons).toEqual(["a word"]);
  });

  test("that was refused leaves nothing to save", async () => {
    const resource = fake({ ensure: () => Promise.reject(new Refused("too little memory")) });
    const { client } = await plugin(resource);
    const error = await failure(
      ask(client, client.create.bind(client), createRequest({ name: "a" })),
    );
    expect(error.details).toBe("too little memory");
    expect(savedBy(error)).toBeUndefined();
  });

  test("ends at the deadline that the program gave, and is saved", async () => {
    const resource = fake({ ensure: untilAborted });
    const { client } = await plugin(resource);
    const started = Date.now();
    const error = await failure(
      ask(client, client.create.bind(client), createRequest({ name: "a" }, { timeout: 0.2 })),
    );
    expect(savedBy(error)?.reasons).toEqual(["not finished after 0.2 s"]);
    expect(Date.now() - started).toBeLessThan(5000);
  });

  test("ends at the resource's own deadline if the program gave none", async () => {
    const resource = fake({
      ensure: untilAborted,
      deadlines: { create: 0.1, update: 30, delete: 30 },
    });
    const { client } = await plugin(resource);
    const error = await failure(
      ask(client, client.create.bind(client), createRequest({ name: "a" })),
    );
    expect(savedBy(error)?.reasons).toEqual(["not finished after 0.1 s"]);
  });

  test("ends when the engine cancels, and so does what comes later", async () => {
    let running = 0;
    const resource = fake({
      ensure: (context) => {
        running += 1;
        return untilAborted(context);
      },
    });
    const { client, provider } = await plugin(resource);
    const create = () =>
      failure(ask(client, client.create.bind(client), createRequest({ name: "a" })));
    const both = [create(), create()];
    await eventually("both creates run", () => running === 2);
    expect(provider.running).toBe(2);
    await ask(client, client.cancel.bind(client), new empty.Empty());
    for (const error of await Promise.all(both)) {
      expect(savedBy(error)).toMatchObject({ id: 'id of "a"', reasons: ["cancelled"] });
    }
    expect(savedBy(await create())?.reasons).toEqual(["cancelled"]);
    expect(provider.running).toBe(0);
  });
});

describe("update", () => {
  const old = { inputs: { name: "a", size: 1 }, outputs: { name: "a", size: 1, port: 7 } };

  test("hands the recorded state to ensure", async () => {
    const resource = fake();
    const { client } = await plugin(resource);
    const request = updateRequest(old, { name: "a", size: 2 });
    const response = await ask(client, client.update.bind(client), request);
    expect(fromStruct(response.getProperties())).toEqual({ name: "a", size: 2, made: true });
    expect(resource.calls).toEqual([
      { method: "ensure", inputs: { name: "a", size: 2 }, prior: { id: "the id", ...old } },
    ]);
  });

  test("in a preview touches nothing", async () => {
    const resource = fake();
    const { client } = await plugin(resource);
    const request = updateRequest(old, { name: "a", size: UNKNOWN }, { preview: true });
    const response = await ask(client, client.update.bind(client), request);
    expect(fromStruct(response.getProperties())).toEqual({ name: "a", size: UNKNOWN });
    expect(resource.calls).toEqual([]);
  });

  test("that fails keeps the old inputs, so that the change is still to be made", async () => {
    const resource = fake({ ensure: () => Promise.reject(new Error("no answer")) });
    const { client } = await plugin(resource);
    const error = await failure(
      ask(client, client.update.bind(client), updateRequest(old, { name: "a", size: 2 })),
    );
    expect(savedBy(error)).toEqual({
      message: "no answer",
      id: "the id",
      inputs: old.inputs,
      outputs: old.outputs,
      reasons: ["no answer"],
    });
  });

  describe("of what was never made to its end", () => {
    const half = { inputs: old.inputs, outputs: { ...old.inputs, unfinished: true } };

    test("makes it, knowing what was tried and nothing that came of it", async () => {
      const resource = fake();
      const { client } = await plugin(resource);
      const request = updateRequest(half, half.inputs);
      const response = await ask(client, client.update.bind(client), request);
      expect(fromStruct(response.getProperties())).toEqual({ ...half.inputs, made: true });
      const prior = { id: "the id", inputs: half.inputs, outputs: {}, unfinished: true };
      expect(resource.calls).toEqual([{ method: "ensure", inputs: half.inputs, prior }]);
    });

    test("that fails leaves it so, with what was tried last", async () => {
      const resource = fake({ ensure: () => Promise.reject(new Error("no answer")) });
      const { client } = await plugin(resource);
      const inputs = { name: "a", size: 2 };
      const error = await failure(
        ask(client, client.update.bind(client), updateRequest(half, inputs)),
      );
      expect(savedBy(error)).toMatchObject({
        id: "the id",
        inputs,
        outputs: { ...inputs, unfinished: true },
      });
    });

    test("has the time that a creation has", async () => {
      const deadlines = { create: 0.1, update: 30, delete: 30 };
      const { client } = await plugin(fake({ ensure: untilAborted, deadlines }));
      const request = updateRequest(half, half.inputs);
      const error = await failure(ask(client, client.update.bind(client), request));
      expect(savedBy(error)?.reasons).toEqual(["not finished after 0.1 s"]);
    });
  });

  test("that was refused saves nothing", async () => {
    const resource = fake({ ensure: () => Promise.reject(new Refused("port in use")) });
    const { client } = await plugin(resource);
    const error = await failure(
      ask(client, client.update.bind(client), updateRequest(old, { name: "a" })),
    );
    expect([error.details, savedBy(error)]).toEqual(["port in use", undefined]);
  });

  test("ends at its deadline", async () => {
    const { client } = await plugin(fake({ ensure: untilAborted }));
    const request = updateRequest(old, old.inputs, { timeout: 0.1 });
    const error = await failure(ask(client, client.update.bind(client), request));
    expect(savedBy(error)?.reasons).toEqual(["not finished after 0.1 s"]);
  });
});

describe("read", () => {
  const inputs = { name: "a", digest: "old" };
  const outputs = { ...inputs, port: 7 };

  test("returns what is there now", async () => {
    const resource = fake({
      read: (_context, prior) =>
        Promise.resolve({
          inputs: { ...prior.inputs, digest: "drifted" },
          outputs: { port: 8 },
        }),
    });
    const { client } = await plugin(resource);
    const response = await ask(client, client.read.bind(client), readRequest(inputs, outputs));
    expect(response.getId()).toBe("the id");
    expect(fromStruct(response.getInputs())).toEqual({ name: "a", digest: "drifted" });
    expect(fromStruct(response.getProperties())).toEqual({
      name: "a",
      digest: "drifted",
      port: 8,
    });
  });

  test("of something that is gone is empty, so that the engine forgets it", async () => {
    const { client } = await plugin(fake({ read: () => Promise.resolve(undefined) }));
    const response = await ask(client, client.read.bind(client), readRequest(inputs, outputs));
    expect(response.getId()).toBe("");
    expect(response.hasProperties()).toBe(false);
    expect(response.hasInputs()).toBe(false);
  });

  test("of what was never made to its end keeps it, and does not ask: somebody has to remove it", async () => {
    const resource = fake({ read: () => Promise.resolve(undefined) });
    const { client } = await plugin(resource);
    // Of a second attempt that failed the engine keeps the first one's inputs.
    const tried = { ...inputs, digest: "new" };
    const half = { ...tried, unfinished: true };
    const response = await ask(client, client.read.bind(client), readRequest(inputs, half));
    expect(response.getId()).toBe("the id");
    expect(fromStruct(response.getInputs())).toEqual(tried);
    expect(fromStruct(response.getProperties())).toEqual(half);
    expect(resource.calls).toEqual([]);
  });

  test("of something that cannot be asked keeps what is recorded, with a warning in the engine's log", async () => {
    const { address, lines } = await engine();
    const { client } = await plugin(
      fake({ read: () => Promise.reject(new Error("root@10.0.0.1: no route")) }),
      address,
    );
    const response = await ask(client, client.read.bind(client), readRequest(inputs, outputs));
    expect(response.getId()).toBe("the id");
    expect(fromStruct(response.getInputs())).toEqual(inputs);
    expect(fromStruct(response.getProperties())).toEqual(outputs);
    await eventually("the warning", () => lines.length > 0);
    expect(lines).toEqual([
      {
        urn: URN,
        severity: engineProto.LogSeverity.WARNING,
        message: "could not be looked at, its recorded state is kept: root@10.0.0.1: no route",
        ephemeral: false,
      },
    ]);
  });

  test("that takes too long keeps what is recorded, too", async () => {
    const resource = fake({
      read: untilAborted,
      deadlines: { create: 30, update: 0.1, delete: 30 },
    });
    const { client } = await plugin(resource);
    const response = await ask(client, client.read.bind(client), readRequest(inputs, outputs));
    expect(fromStruct(response.getProperties())).toEqual(outputs);
  });
});

describe("delete", () => {
  test("gets inputs and outputs apart", async () => {
    const resource = fake();
    const { client } = await plugin(resource);
    const request = deleteRequest({ name: "a", port: 7 }, { name: "a" });
    await ask(client, client.delete.bind(client), request);
    expect(resource.calls[0]?.prior).toEqual({
      id: "the id",
      inputs: { name: "a" },
      outputs: { name: "a", port: 7 },
    });
  });

  test("of what was never made to its end goes by what was tried last", async () => {
    const resource = fake();
    const { client } = await plugin(resource);
    const request = deleteRequest({ name: "b", unfinished: true }, { name: "a" });
    await ask(client, client.delete.bind(client), request);
    const prior = { id: "the id", inputs: { name: "b" }, outputs: {}, unfinished: true };
    expect(resource.calls.map((call) => call.prior)).toEqual([prior]);
  });

  test("takes the inputs from the outputs where the engine sends nothing else", async () => {
    const resource = fake();
    const { client } = await plugin(resource);
    await ask(client, client.delete.bind(client), deleteRequest({ name: "a", port: 7 }));
    expect(resource.calls[0]?.inputs).toEqual({ name: "a", port: 7 });
  });

  test("that fails is a plain error: the state stays", async () => {
    const resource = fake({ delete: () => Promise.reject(new Error("still mounted")) });
    const { client } = await plugin(resource);
    const error = await failure(ask(client, client.delete.bind(client), deleteRequest({})));
    expect([error.details, savedBy(error)]).toEqual(["still mounted", undefined]);
  });

  test("ends at its deadline", async () => {
    const { client } = await plugin(fake({ delete: untilAborted }));
    const request = deleteRequest({}, {}, 0.1);
    const error = await failure(ask(client, client.delete.bind(client), request));
    expect(error.details).toBe("not finished after 0.1 s");
  });
});

describe("the engine's log", () => {
  const talkative = fake({
    ensure: (context) => {
      context.status("booting for 3 s");
      context.info("a line");
      context.warn("a warning");
      return Promise.resolve({});
    },
  });
  const expected = [
    ["a line", engineProto.LogSeverity.INFO, false],
    ["a warning", engineProto.LogSeverity.WARNING, false],
    ["booting for 3 s", engineProto.LogSeverity.INFO, true],
  ];

  test("gets progress that it forgets and lines that it keeps, beside the resource", async () => {
    const { address, lines } = await engine();
    const { client } = await plugin(talkative, address);
    await ask(client, client.create.bind(client), createRequest({ name: "a" }));
    await eventually("three lines", () => lines.length === 3);
    expect(lines.map((line) => [line.message, line.severity, line.ephemeral]).sort()).toEqual(
      expected,
    );
    expect(new Set(lines.map(({ urn }) => urn))).toEqual(new Set([URN]));
  });

  test("is that of the engine that attaches later", async () => {
    const { address, lines } = await engine();
    const { client } = await plugin(talkative);
    const request = new pluginProto.PluginAttach();
    request.setAddress(address);
    await ask(client, client.attach.bind(client), request);
    await ask(client, client.create.bind(client), createRequest({ name: "a" }));
    await eventually("three lines", () => lines.length === 3);
  });

  test("may be out of reach: the operation goes on", async () => {
    const { address, stop } = await startEngine();
    stop();
    const { client } = await plugin(talkative, address);
    const response = await ask(client, client.create.bind(client), createRequest({ name: "a" }));
    expect(response.getId()).toBe('id of "a"');
  });
});
