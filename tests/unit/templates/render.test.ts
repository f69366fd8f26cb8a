import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { render, type TemplateValue } from "../../../templates/render.ts";
import { useFolder } from "../helpers/folder.ts";
import { FRAGMENTS, hostileText } from "../helpers/hostileText.ts";
import fc, { runs } from "../helpers/property.ts";

const folder = useFolder();
const written = (text: string): string => {
  writeFileSync(folder("domu.env"), text);
  return folder("domu.env");
};

type Values = Record<string, TemplateValue>;

const domu: Values = {
  name: "domu1",
  pvh: false,
  hvm: false,
  memoryMiB: 192,
  vcpus: 1,
  kernelOptions: "clocksource=tsc tsc=nowatchdog",
  folder: "/var/lib/v4v-testbed",
  library: "/usr/local/lib/v4v-testbed",
  bridge: "xenbr0",
  address: "10.83.0.11",
  mac: "00:16:3e:53:00:0b",
  pci: [],
};

/** Template, name of what is expected, values. */
const cases: [template: string, expected: string, values: Values][] = [
  [
    "boot-entry.cfg",
    "boot-entry.cfg",
    {
      imagePath: "/boot/xen-v4v-testbed.gz",
      commandLine: "placeholder com1=115200,8n1 console=com1 dom0_mem=1024M,max:1024M v4v=1",
      root: "/dev/vda2",
      dom0Options: "console=hvc0 net.ifnames=0 quiet mitigations=off",
    },
  ],
  [
    "host-boot-entry.cfg",
    "host-boot-entry.cfg",
    {
      bootUuid: "0f1e2d3c-0000-4000-8000-00112233aabb",
      imagePath: "/boot/v4v-testbed/xen.gz",
      commandLine: "placeholder console=vga dom0_mem=4096M,max:4096M v4v=1",
      kernel: "/boot/vmlinuz-6.12.1-amd64",
      initrd: "/boot/initrd.img-6.12.1-amd64",
      dom0Options: "root=UUID=0f1e2d3c-0000-4000-8000-00112233aabb ro quiet panic=20 v4v_testbed",
    },
  ],
  [
    "v4v-bridge.service",
    "v4v-bridge.service",
    { bridge: "v4vbr0", gateway: "10.83.0.1", prefixLength: 24, mac: "02:16:3e:53:00:00" },
  ],
  [
    "v4v-link.service",
    "v4v-link.service",
    { bridge: "v4vbr0", mtu: 1458, own: "192.0.2.1", others: ["2:192.0.2.2", "3:192.0.2.3"] },
  ],
  ["bridge.netdev", "bridge.netdev", { bridge: "xenbr0", mac: "02:16:3e:53:00:00" }],
  [
    "bridge.network",
    "bridge.network",
    { bridge: "xenbr0", gateway: "10.83.0.1", prefixLength: 24 },
  ],
  ["domu.cfg", "domu-pv.cfg", domu],
  ["domu.cfg", "domu-pvh.cfg", { ...domu, pvh: true }],
  ["domu.cfg", "domu-hvm.cfg", { ...domu, hvm: true, pci: ["0000:01:00.0", "0000:01:00.1"] }],
  ["domu.cfg", "domu-pci.cfg", { ...domu, pci: ["0000:01:00.0", "0000:01:00.1"] }],
  [
    "domu.env",
    "domu.env",
    { name: "domu1", address: "10.83.0.11", prefixLength: 24, gateway: "10.83.0.1" },
  ],
  [
    "remote-gpu.service",
    "remote-gpu.service",
    {
      server: "pocld",
      transport: "v4v-sockets",
      command: "/usr/local/bin/v4vrun /usr/local/bin/pocld -a 10.83.0.10 -p 11008",
      environment: "POCL_CACHE_DIR=/var/cache/pocld",
      network: "10.83.0.0/24",
      processPerConnection: false,
    },
  ],
  [
    "remote-gpu.service",
    "gpu-socket.service",
    {
      server: "gpu-socket",
      transport: "tcp",
      command: "/usr/local/bin/gpu-bench serve 10.83.0.10:11020",
      environment: "",
      network: "10.83.0.0/24",
      processPerConnection: true,
    },
  ],
  ["v4v-module.service", "v4v-module.service", { parameters: "ring_kib=1024 spin_us=200" }],
];

test("no template is without an expectation", () => {
  const templates = readdirSync(join(import.meta.dirname, "../../../templates"))
    // Pages have tests of their own, with their data.
    .filter((name) => name.endsWith(".hbs") && !name.endsWith(".html.hbs"))
    .map((name) => name.slice(0, -".hbs".length));
  expect([...new Set(cases.map(([template]) => template))].sort()).toEqual(templates.sort());
});

describe.each(cases)("%s (%s)", (template, expected, values) => {
  test("is rendered as expected", async () => {
    await expect(render(template, values)).toMatchFileSnapshot(join("expected", expected));
  });

  test("wants each of its values", () => {
    // A flag or a list chooses a part of the template; every other value has to be there.
    const texts = Object.keys(values).filter((name) => typeof values[name] !== "boolean");
    for (const name of texts) {
      const other = Array.isArray(values[name]) ? ["9"] : "9";
      expect(render(template, { ...values, [name]: other }), name).not.toBe(
        render(template, values),
      );
      if (Array.isArray(values[name])) continue;
      const others = Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
      expect(() => render(template, others), `without ${name}`).toThrow(name);
    }
  });

  test("takes no value that could be read as syntax", () => {
    const texts = Object.entries(values).filter(([, value]) => typeof value !== "boolean");
    for (const [name] of texts) {
      for (const character of "\"'`$;{}[]()<>|&\\!*?~#^%\n\r\t\0\u007fé\u2028") {
        const value = `a${character}b`;
        for (const given of [value, ["0000:00:00.0", value]])
          expect(() => render(template, { ...values, [name]: given }), value).toThrow(
            `${template}: ${name} holds characters that are not allowed there: ${JSON.stringify(given)}`,
          );
      }
    }
  });
});

test("a value is refused at its end, its beginning and on its own as well", () => {
  for (const value of ["\n", "x\n", "\nx", "{{name}}", "$", "x'", '"'])
    expect(() => render("domu.env", { ...cases[5]?.[2], name: value })).toThrow("not allowed");
});

test("what is accepted comes out as it went in, once for each place", () => {
  const plain = fc.stringMatching(/^[A-Za-z0-9_.:+/@][A-Za-z0-9_.:+/@-]{0,30}$/);
  fc.assert(
    fc.property(plain, plain, (name, gateway) => {
      expect(render("domu.env", { name, address: "a", prefixLength: 24, gateway })).toBe(
        `DOMU_NAME=${name}\nDOMU_ADDRESS=a/24\nDOMU_GATEWAY=${gateway}\n`,
      );
    }),
  );
});

test("a word is one word: nothing after it on its line could be read as a command, a device's key or an option", () => {
  const env = cases.find(([template]) => template === "domu.env")?.[2];
  for (const name of ["x reboot", "x,script=/tmp/y", "x=y", "-x", " "]) {
    expect(() => render("domu.env", { ...env, name }), name).toThrow("not allowed");
    expect(() => render("domu.cfg", { ...domu, address: name }), name).toThrow("not allowed");
  }
});

describe("hostile values", () => {
  /** Lines with what is between quotes or after an equals sign left out: what a value must not change. */
  const shape = (text: string, values: Values): string[] => {
    let rest = text;
    const inserted = Object.values(values).filter((value) => typeof value === "string");
    for (const value of inserted.sort((a, b) => b.length - a.length))
      if (value !== "") rest = rest.replaceAll(value, "\u2042");
    return rest.split("\n").map((line) => line.replaceAll("\u2042", ""));
  };

  test("are refused by every template, or change nothing but their own place", () => {
    const given = fc.constantFrom(...cases).chain(([template, , values]) => {
      const names = Object.keys(values).filter((name) => typeof values[name] === "string");
      return fc.tuple(
        fc.constant(template),
        fc.constant(values),
        fc.constantFrom(...names),
        // Texts that are refused teach little: as many that may pass.
        fc.oneof(hostileText(), fc.stringMatching(/^[A-Za-z0-9 _.,:=+/@-]{8,30}$/)),
      );
    });
    let accepted = 0;
    fc.assert(
      fc.property(given, ([template, values, name, value]) => {
        let text: string;
        const replaced = { ...values, [name]: value };
        try {
          text = render(template, replaced);
        } catch (error) {
          expect(String(error)).toContain(`${template}: ${name} holds characters`);
          return;
        }
        accepted += 1;
        expect(shape(text, replaced).length).toBe(shape(render(template, values), values).length);
        if (value.length >= 8) expect(text).toContain(value);
        expect(value).not.toMatch(/["'`$;{}[\]()<>|&\\!*?~#^%\p{Cc}]/u);
      }),
      { numRuns: runs(400) },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  test("of the known kinds do not come through as a domU's name or address", () => {
    const passed = FRAGMENTS.filter((value) => {
      try {
        render("domu.cfg", { ...domu, name: `a${value}`, address: `a${value}` });
        return true;
      } catch {
        return false;
      }
    });
    expect(passed.filter((value) => !/^[\w./:+@-]*$/.test(value))).toEqual([]);
  });

  test("are no shell where a domU's boot script reads its settings", () => {
    fc.assert(
      fc.property(hostileText(), (value) => {
        let text: string;
        try {
          text = render("domu.env", { name: value, address: "a", prefixLength: 24, gateway: "g" });
        } catch {
          return;
        }
        const said = execFileSync(
          "/bin/sh",
          ["-euc", '. "$1"; printf "%s|" "$DOMU_NAME" "$DOMU_ADDRESS"', "sh", written(text)],
          {
            encoding: "utf8",
            env: { PATH: "/nonexistent" },
          },
        );
        expect(said).toBe(`${value}|a/24|`);
      }),
      { numRuns: runs(60) },
    );
  });
});

test("a template that does not exist is an error", () => {
  expect(() => render("nothing", {})).toThrow("ENOENT");
});
