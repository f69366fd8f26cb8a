import { describe, expect, test } from "vitest";
import { newKey } from "../../../provider/ssh/keys.ts";
import { redact } from "../../../scripts/lib/redact.ts";
import { render } from "../../../scripts/lib/report.ts";

const NAMES = { home: "/home/ann", hostname: "box.lab.test", secrets: ["c29tZSBwYXNz-w"] };
const clean = (text: string) => redact(text, NAMES);

describe("private keys", () => {
  const { privateKey, publicKey } = newKey("ann");
  const body = privateKey.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));

  test.each([
    ["as a file", `before\n${privateKey}after`],
    ["in JSON", `before ${JSON.stringify({ privateKey })} after`],
    ["twice in a line of JSON", `before ${JSON.stringify([privateKey, privateKey])} after`],
    ["indented, as in YAML", `before\n${privateKey.replace(/^/gm, "    ")}\nafter`],
  ])("%s are gone, what is around them stays", (_how, text) => {
    const left = clean(text);
    for (const line of body) expect(left).not.toContain(line);
    expect(left).toContain("[private key redacted]");
    expect(left).toMatch(/^before[\s\S]*after$/);
  });

  test("whose end or beginning was cut off are gone, too", () => {
    const half = Math.floor(privateKey.length / 2);
    for (const text of [privateKey.slice(0, half), privateKey.slice(half)]) {
      const left = clean(`before\n${text}`);
      for (const line of body) expect(left).not.toContain(line.slice(0, 20));
    }
  });

  test("public keys keep their kind and lose their material", () => {
    expect(clean(`host ${publicKey}\n`)).toBe("host ssh-ed25519 [redacted]\n");
    expect(clean("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= me")).toBe(
      "ecdsa-sha2-nistp256 [redacted] me",
    );
  });
});

test.each([
  ["PULUMI_CONFIG_PASSPHRASE=open sesame", "PULUMI_CONFIG_PASSPHRASE=[redacted] sesame"],
  ["PULUMI_CONFIG_PASSPHRASE='open sesame'", "PULUMI_CONFIG_PASSPHRASE=[redacted]"],
  ['{"passphrase": "open sesame"}', '{"passphrase": [redacted]}'],
  ["password: x", "password: [redacted]"],
  ["it is c29tZSBwYXNz-w.", "it is [redacted]."],
  ["encryptionsalt: v1:lPPS2Qccph0=:v1:/Z5s+yV9RR/T9xCh:fpEMM76=", "encryptionsalt: [redacted]"],
  ["  key:\n    secure: v1:abcdefgh:ijkl=", "  key:\n    secure: [redacted]"],
  ["PULUMI_ACCESS_TOKEN=pul-123", "PULUMI_ACCESS_TOKEN=[redacted]"],
  ["mirror: https://ann:pw@mirror.test/debian", "mirror: https://[redacted]@mirror.test/debian"],
])("%j becomes %j", (text, left) => {
  expect(clean(text)).toBe(left);
});

test.each([
  ["/home/ann/.cache/x", "~/.cache/x"],
  ["file:///home/ann/state", "file://~/state"],
  ['"/home/ann"', '"~"'],
  ["/home/anna/x", "/home/anna/x"],
  ["/srv/home/ann/x", "/srv/home/ann/x"],
  ["process 9 of ann on box.lab.test", "process 9 of ann on [this host]"],
  ["host: box", "host: [this host]"],
  ["boxes, sandbox, box-2", "boxes, sandbox, box-2"],
])("of home and host, %j becomes %j", (text, left) => {
  expect(clean(text)).toBe(left);
});

test("what is none of these stays as it is", () => {
  const text =
    "xen 4.20.4-pre, build id 0f8093a9cfe2ecb64940cf98e0652bc2047edb39, 10.83.0.11, v1 of it\n" +
    "vmlinuz-6.12.107+deb13-amd64 ro console=hvc0 tsc=nowatchdog\n";
  expect(clean(text)).toBe(text);
  expect(redact("at localhost", { ...NAMES, hostname: "localhost" })).toBe("at localhost");
});

test("a report keeps each text in its block, whatever it holds", () => {
  const text = render([
    { title: "One", text: "a ```` b" },
    { title: "Two", text: "" },
  ]);
  expect(text).toContain("## One\n\n`````\na ```` b\n`````\n");
  expect(text).toContain("## Two\n\n```\n(nothing)\n```\n");
});
