import { describe, expect, test } from "vitest";
import { ConfigurationError, loadSettings } from "../../../config/load.ts";
import { domUCapacity } from "../../../config/memory.ts";
import { settings } from "../../../config/settings.ts";
import type { Settings } from "../../../config/types.ts";
import fc from "../helpers/property.ts";

const PROJECT = "v4vsockets-testbed";

const load = (given: Record<string, string>): Settings =>
  loadSettings(
    Object.fromEntries(Object.entries(given).map(([key, value]) => [`${PROJECT}:${key}`, value])),
    PROJECT,
  );

function problems(given: Record<string, string>): readonly string[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const defaults: Settings = {
  vmCount: 2,
  target: "emulated",
  hosts: [],
  domU: { type: "pv", memoryMiB: 192, vcpus: 1 },
  machine: {
    memoryMiB: 6144,
    cpus: 2,
    diskMiB: 4096,
    accelerator: "auto",
    sshPort: 0,
    mirror: "",
    bootTimeout: 600,
    freeze: true,
  },
  xen: { dom0MemoryMiB: 1024, dom0Vcpus: 1, debug: false, xsm: "none", options: "" },
  v4v: { enabled: true, ringKiB: 1024, spinUs: 1000, policy: "accept", rules: [] },
  gpu: { device: "auto", type: "auto", driver: "none", memoryMiB: 1024, vcpus: 1 },
  remoteGpu: { enabled: false, product: "pocl", rcuda: { archive: "", sha256: "" } },
  evaluation: {
    profile: "smoke",
    experiments: "all",
    sizes: "profile",
    pairs: "profile",
    transports: "profile",
    repetitions: "profile",
    budget: 0,
    gpuProducts: "profile",
    gpuStencils: "profile",
    gpuTransfers: "profile",
    seed: 1,
    generation: 0,
    timeout: 900,
  },
};

describe("what is accepted", () => {
  test("no configuration gives the defaults, complete and typed", () => {
    expect(load({})).toEqual(defaults);
  });

  test("one call does not change what the next one gives", () => {
    const first = load({});
    first.machine.cpus = 99;
    first.hosts.push(undefined as never);
    expect(load({})).toEqual(defaults);
  });

  test("Pulumi's strings become numbers and truth values", () => {
    const given = { vmCount: "5", "v4v.enabled": "false", "machine.sshPort": "2222" };
    expect(load(given)).toEqual({
      ...defaults,
      vmCount: 5,
      v4v: { ...defaults.v4v, enabled: false },
      machine: { ...defaults.machine, sshPort: 2222 },
    });
  });

  test("an object, dotted keys, and both at once mean the same", () => {
    const { machine } = { machine: { ...defaults.machine, cpus: 4, memoryMiB: 8192 } };
    const wanted = { ...defaults, machine };
    expect(load({ "machine.cpus": "4", "machine.memoryMiB": "8192" })).toEqual(wanted);
    expect(load({ machine: '{"cpus":4,"memoryMiB":"8192"}' })).toEqual(wanted);
    expect(load({ machine: '{"cpus":4}', "machine.memoryMiB": "8192" })).toEqual(wanted);
    expect(load({ machine: "{}", "machine.memoryMiB": "8192", "machine.cpus": "4" })).toEqual(
      wanted,
    );
  });

  test("keys of other namespaces are nobody's business here", () => {
    const foreign = {
      "pulumi:vmcount": "x",
      "v4vsockets-testbed2:vmCount": "1",
      "v4vsockets:testbed": "1",
    };
    expect(loadSettings(foreign, PROJECT)).toEqual(defaults);
  });

  test("any integer within its bounds comes through as it is", () => {
    const integers = settings.filter(
      ({ type, path }) => type === "integer" && !/memoryMiB|MemoryMiB|vmCount/.test(path),
    );
    for (const { path, minimum = 0, maximum = 0 } of integers) {
      fc.assert(
        fc.property(fc.integer({ min: minimum, max: maximum }), (value) => {
          const [group = "", name = ""] = path.split(".");
          const tree = load({ [path]: String(value) }) as unknown as Record<string, unknown>;
          expect((tree[group] as Record<string, unknown>)[name]).toBe(value);
        }),
        { numRuns: 20 },
      );
    }
  });
});

describe("what is refused", () => {
  test("everything at once, each setting with its value and what is allowed", () => {
    const error = (() => {
      try {
        return load({
          vmCount: "1",
          "machine.cpus": "many",
          "v4v.enabled": "perhaps",
          "evaluation.profil": "smoke",
          "xen.options": "a;b",
          gpus: "2",
          machine: '{"accelerator":"hvf"}',
        });
      } catch (thrown) {
        return thrown as ConfigurationError;
      }
    })();
    expect(error).toBeInstanceOf(ConfigurationError);
    const found = [...(error as ConfigurationError).problems].sort();
    expect(found).toEqual([
      "evaluation.profil: there is no such setting; did you mean evaluation.profile?",
      "gpus: there is no such setting; did you mean gpu?",
      'machine.accelerator: "hvf" is not accepted; allowed is auto, tcg or kvm',
      'machine.cpus: "many" is not accepted; allowed is 1 to 64',
      'v4v.enabled: "perhaps" is not accepted; allowed is true or false',
      'vmCount: "1" is not accepted; allowed is 2 to 64',
      'xen.options: "a;b" is not accepted; allowed is up to 512 letters, digits, spaces and any of _.,:=+-',
    ]);
    const { message } = error as ConfigurationError;
    expect(message).toMatch(/^the configuration has 7 problems:\n {2}- /);
    for (const problem of found) expect(message).toContain(`  - ${problem}`);
  });

  test("one problem is counted as one", () => {
    expect(() => load({ vmCount: "x" })).toThrow(/^the configuration has 1 problem:\n/);
  });

  test.each([
    ["vmcount", "vmCount"],
    ["VMCOUNT", "vmCount"],
    ["vm-count", "vmCount"],
    ["vmConut", "vmCount"],
    ["machine.memory", "machine.memoryMiB"],
    ["machine.memoryMB", "machine.memoryMiB"],
    ["evaluation.profil", "evaluation.profile"],
    ["domu.memoryMiB", "domU"],
    ["xen.dom0vcpus", "xen.dom0Vcpus"],
  ])("%s is unknown, %s was meant", (key, meant) => {
    expect(problems({ [key]: "3" })).toEqual([
      expect.stringMatching(
        `^${key.split(".", meant.split(".").length).join(".")}: there is no such setting; did you mean ${meant}\\?$`,
      ),
    ]);
  });

  test.each(["colour", "machine.colour", "zzzzzz", "machine.qqqqqq"])(
    "%s is unknown and like nothing that is known",
    (key) => {
      expect(problems({ [key]: "3" })).toEqual([`${key}: there is no such setting`]);
    },
  );

  test.each([
    ["__proto__", "not a name of a setting"],
    ["__proto__.vmCount", "not a name of a setting"],
    ["machine.__proto__.cpus", "not a name of a setting"],
    ["constructor", "not a name of a setting"],
    ["constructor.prototype.x", "not a name of a setting"],
    ["machine.prototype", "not a name of a setting"],
    ["", "not a name of a setting"],
    [".", "not a name of a setting"],
    ["machine.", "not a name of a setting"],
    [".vmCount", "not a name of a setting"],
    ["machine..cpus", "not a name of a setting"],
  ])("the name %j is hostile", (key, why) => {
    expect(problems({ [key]: "3" })).toEqual([`${key}: ${why}`]);
    expect(({} as Record<string, unknown>).vmCount).toBeUndefined();
  });

  test.each(["toString", "hasOwnProperty.x", "valueOf", "isPrototypeOf.a.b"])(
    "%s, a name that every object has, is as unknown as any other",
    (key) => {
      const [name = ""] = key.split(".");
      expect(problems({ [key]: "3" })).toEqual([`${name}: there is no such setting`]);
    },
  );

  test.each(["__proto__", "constructor", "toString"])(
    "an object's member %s is refused",
    (name) => {
      for (const value of ["3", '{"cpus":3}']) {
        expect(problems({ machine: `{"${name}":${value}}` })).toEqual([
          `machine.${name}: there is no such setting`,
        ]);
        expect(
          problems({ machine: `{"${name}":${value}}`, "machine.cpus": "3" }).map(
            (problem) => problem.split(":")[0],
          ),
        ).toEqual([`machine.${name}`]);
      }
      expect(({} as Record<string, unknown>).cpus).toBeUndefined();
    },
  );

  test.each([
    '"2.5"',
    '"-3"',
    '"1e400"',
    '"-99999999999999999999"',
    '"99999999999999999999"',
    '"Infinity"',
    '"NaN"',
    '""',
    '" "',
    '"two"',
    '"2,000"',
    '"true"',
    "true",
    "false",
    "null",
    "2.5",
    "-3",
    "1e300",
    "[3]",
    "[]",
    '{"x":3}',
    "{}",
  ])("%s is not a number of CPUs", (json) => {
    const value: unknown = JSON.parse(json);
    const wanted = [`machine.cpus: ${JSON.stringify(value)} is not accepted; allowed is 1 to 64`];
    expect(problems({ machine: `{"cpus":${json}}` })).toEqual(wanted);
    if (typeof value === "string") expect(problems({ "machine.cpus": value })).toEqual(wanted);
  });

  test.each(["null", "2", '"yes"', '"1"', "[]", "{}"])("%s is not a truth value", (json) => {
    expect(problems({ v4v: `{"enabled":${json}}` })).toEqual([
      `v4v.enabled: ${json} is not accepted; allowed is true or false`,
    ]);
  });

  test.each(["null", "true", "false", "[]", "{}", '"a\\nb"', '"$(x)"'])(
    "%s is not a text for Xen's command line",
    (json) => {
      expect(problems({ xen: `{"options":${json}}` })).toEqual([
        expect.stringMatching(/^xen\.options: .* is not accepted; allowed is up to 512 letters/s),
      ]);
    },
  );

  test("Xen's command line takes 512 characters and no more", () => {
    expect(load({ "xen.options": "a".repeat(512) }).xen.options).toHaveLength(512);
    expect(problems({ "xen.options": "a".repeat(513) })).toHaveLength(1);
  });

  test("nothing is not the default: an empty YAML entry does not switch V4V off", () => {
    expect(problems({ v4v: '{"enabled":null}' })).not.toEqual([]);
    expect(problems({ evaluation: '{"seed":null,"generation":null}' })).toHaveLength(2);
  });

  test.each([
    ["vmCount.x", "3", 'vmCount: {"x":"3"} is not accepted; allowed is 2 to 64'],
    ["machine.cpus.x", "3", 'machine.cpus: {"x":"3"} is not accepted; allowed is 1 to 64'],
    ["machine", "3", 'machine: "3" is not accepted; must be object'],
    ["machine", "[3]", "machine: [3] is not accepted; must be object"],
    ["machine", "{cpus: 3}", 'machine: "{cpus: 3}" is not accepted; must be object'],
    ["vmCount", "[3]", "vmCount: [3] is not accepted; allowed is 2 to 64"],
    ["cpus", "3", "cpus: there is no such setting"],
    ["hosts.a", "3", 'hosts: {"a":"3"} is not accepted; allowed is a JSON list'],
  ])("%s = %s is nested wrongly", (key, value, sentence) => {
    const found = problems({ [key]: value });
    expect(found).toHaveLength(1);
    expect(found[0]?.startsWith(sentence)).toBe(true);
  });

  test("a setting given twice is not silently one or the other", () => {
    expect(problems({ machine: '{"cpus":3}', "machine.cpus": "4" })).toEqual([
      "machine.cpus: set twice, as one value and by its parts",
    ]);
    expect(problems({ machine: "fast", "machine.cpus": "4" })).toEqual([
      'machine.cpus: machine is already set to "fast"',
      'machine: "fast" is not accepted; must be object',
    ]);
  });

  test("a long value is shown by its beginning", () => {
    const [problem = ""] = problems({ "machine.accelerator": "x".repeat(500) });
    expect(problem).toContain(`"${"x".repeat(56)}... is not accepted; allowed is auto, tcg or kvm`);
    expect(problem.length).toBeLessThan(150);
  });

  test.each([[{ "domU.type": "pvh" }, 'domU.type: "pvh"', "PVH domUs are not built yet"]])(
    "%j says that it is not built yet",
    (given, beginning, why) => {
      const [problem = "", ...others] = problems(given);
      expect(others).toEqual([]);
      expect(problem.startsWith(beginning)).toBe(true);
      expect(problem).toContain(`(${why}`);
    },
  );

  test("whatever is given, the answer is complete settings or a list of problems", () => {
    const names = fc.oneof(
      fc.constantFrom(...settings.map(({ path }) => path)),
      fc.constantFrom("machine", "domU", "xen", "v4v", "evaluation"),
      fc.string({ maxLength: 12 }),
      fc
        .array(fc.constantFrom("machine", "cpus", "__proto__", "x", ""), { maxLength: 4 })
        .map((p) => p.join(".")),
    );
    const values = fc.oneof(fc.string(), fc.json(), fc.integer().map(String), fc.constant("{}"));
    fc.assert(
      fc.property(fc.dictionary(names, values, { maxKeys: 6 }), (given) => {
        const found = problems(given);
        for (const problem of found) expect(problem).toMatch(/^[^]*: [^]+/);
        if (found.length === 0)
          expect(Object.keys(load(given)).sort()).toEqual(Object.keys(defaults).sort());
      }),
      { numRuns: 300 },
    );
  });
});

describe("memory", () => {
  test("the default machine takes 16 domUs and more, up to an exact number", () => {
    const capacity = domUCapacity(defaults);
    expect(capacity).toBeGreaterThanOrEqual(16);
    expect(load({ vmCount: String(capacity) }).vmCount).toBe(capacity);
    expect(problems({ vmCount: String(capacity + 1) })).toHaveLength(1);
  });

  test("a machine of exactly what is needed will do, a MiB less will not, and the sentence says so", () => {
    const asked = { vmCount: "7", "domU.memoryMiB": "300", "xen.dom0MemoryMiB": "700" };
    const [problem = ""] = problems({ ...asked, "machine.memoryMiB": "2500" });
    const needed = Number(/need a machine of (\d+) MiB/.exec(problem)?.[1]);
    expect(needed).toBeGreaterThan(7 * 300 + 700);
    expect(problem).toBe(
      `vmCount: 7 domUs of 300 MiB need a machine of ${needed} MiB, machine.memoryMiB is 2500; ` +
        "allowed are up to 5 (lower vmCount or domU.memoryMiB, or raise machine.memoryMiB)",
    );
    expect(problems({ ...asked, "machine.memoryMiB": String(needed) })).toEqual([]);
    expect(problems({ ...asked, "machine.memoryMiB": String(needed - 1) })).toHaveLength(1);
    expect(problems({ ...asked, vmCount: "5", "machine.memoryMiB": "2500" })).toEqual([]);
    expect(problems({ ...asked, vmCount: "6", "machine.memoryMiB": "2500" })).toHaveLength(1);
  });

  test("capacity is the largest count that needs no more than there is", () => {
    const memory = fc.integer({ min: 128, max: 4096 });
    fc.assert(
      fc.property(memory, memory, fc.integer({ min: 2048, max: 65_536 }), (domU, dom0, machine) => {
        const capacity = domUCapacity({
          ...defaults,
          machine: { ...defaults.machine, memoryMiB: machine },
          domU: { ...defaults.domU, memoryMiB: domU },
          xen: { ...defaults.xen, dom0MemoryMiB: dom0 },
        });
        expect(capacity).toBeGreaterThanOrEqual(0);
        if (capacity > 0) expect(capacity * domU + dom0).toBeLessThan(machine);
        // One more would not leave Xen and the toolstack what they were seen to take.
        expect((capacity + 1) * (domU + 8) + dom0 + 192).toBeGreaterThan(machine);
      }),
    );
  });

  test("a machine smaller than dom0 holds no domU at all", () => {
    const [problem] = problems({ "machine.memoryMiB": "2048", "xen.dom0MemoryMiB": "4096" });
    expect(problem).toContain("allowed are up to 0");
  });

  test("memory is judged only once the settings themselves are right", () => {
    expect(problems({ vmCount: "64", "machine.cpus": "0" })).toEqual([
      'machine.cpus: "0" is not accepted; allowed is 1 to 64',
    ]);
  });
});
