/** A configuration that must be refused, as `project:key` without the project, and the settings that the error names. */
export interface Refused {
  why: string;
  given: Record<string, string>;
  named: string[];
}

/** A host as one is named. */
export const HOST = {
  address: "rack1.example",
  hostKey: `ssh-ed25519 ${"A".repeat(68)} root@rack1`,
};

/** Two, with addresses on a network between them. */
const TWO = [
  { ...HOST, link: "192.0.2.1" },
  { address: "rack2.example", hostKey: `ssh-ed25519 ${"B".repeat(68)}`, link: "192.0.2.2" },
];

const one =
  (setting: string) =>
  (why: string, value: string): Refused => ({ why, given: { [setting]: value }, named: [setting] });

const cpus = one("machine.cpus");
const domUMemory = one("domU.memoryMiB");
const options = one("xen.options");
const mirror = one("machine.mirror");
const profile = one("evaluation.profile");

const wrongTypes: Refused[] = [
  cpus("a word", "two"),
  cpus("a truth value", "true"),
  cpus("nothing", ""),
  cpus("a quoted number", '"3"'),
  one("vmCount")("a list of one", "[3]"),
  one("vmCount")("an object", '{"count":3}'),
  one("v4v.enabled")("a number for a truth value", "1"),
  one("v4v.enabled")("YAML 1.1's truth value", "yes"),
  one("v4v.enabled")("another writing of true", "True"),
  one("hosts")("a text for a list", "host-a,host-b"),
  one("hosts")("an object for a list", '{"a":"b"}'),
  options("a list for a text", '["loglvl=all"]'),
  { why: "null for a text", given: { xen: '{"options":null}' }, named: ["xen.options"] },
  { why: "null for a number", given: { domU: '{"vcpus":null}' }, named: ["domU.vcpus"] },
  {
    why: "a truth value for a number",
    given: { machine: '{"sshPort":false}' },
    named: ["machine.sshPort"],
  },
  {
    why: "a number for a word",
    given: { evaluation: '{"profile":0}' },
    named: ["evaluation.profile"],
  },
];

const units: Refused[] = [
  domUMemory("GiB for MiB", "4GiB"),
  domUMemory("the unit written out", "192MiB"),
  domUMemory("the unit apart", "192 MiB"),
  domUMemory("bytes for MiB", "201326592"),
  domUMemory("GiB as a bare number", "4"),
  one("machine.diskMiB")("a short suffix", "4G"),
  one("machine.memoryMiB")("thousands separated", "6,144"),
  one("machine.memoryMiB")("thousands set off", "6_144"),
  one("machine.bootTimeout")("minutes for seconds", "10m"),
  one("machine.bootTimeout")("milliseconds for seconds", "600000"),
  one("v4v.ringKiB")("bytes for KiB", "1048576"),
  one("v4v.spinUs")("nanoseconds for microseconds", "200000"),
  one("evaluation.timeout")("a clock time", "15:00"),
];

const nesting: Refused[] = [
  one("machine")("a scalar for an object", "fast"),
  one("domU")("a list for an object", "[192]"),
  one("v4v")("a truth value for an object", "true"),
  one("gpu")("its one member's value for an object", "auto"),
  one("evaluation")("an object that does not end", '{"profile":"smoke"'),
  one("machine")("YAML's flow style", "{cpus: 3}"),
  { why: "a part of a number", given: { "vmCount.max": "3" }, named: ["vmCount"] },
  { why: "a part of a list", given: { "hosts.0": "a" }, named: ["hosts"] },
  { why: "an index in brackets", given: { "hosts[0].name": "a" }, named: ["hosts[0]"] },
  { why: "a colon for a dot", given: { "machine:cpus": "3" }, named: ["machine:cpus"] },
  { why: "a part one level up", given: { cpus: "3" }, named: ["cpus"] },
  { why: "a part in another object", given: { "xen.cpus": "3" }, named: ["xen.cpus"] },
  { why: "one object too many", given: { "testbed.machine.cpus": "3" }, named: ["testbed"] },
  {
    why: "a dotted name inside an object",
    given: { machine: '{"cpus.count":3}' },
    named: ["machine.cpus.count"],
  },
  {
    why: "the same setting twice",
    given: { machine: '{"cpus":3}', "machine.cpus": "4" },
    named: ["machine.cpus"],
  },
  {
    why: "a scalar and its parts",
    given: { machine: "fast", "machine.cpus": "4" },
    named: ["machine", "machine.cpus"],
  },
  {
    why: "a number and its parts",
    given: { "machine.cpus": "3", "machine.cpus.max": "4" },
    named: ["machine.cpus.max"],
  },
];

const unknown: Refused[] = [
  { why: "a capital", given: { VmCount: "3" }, named: ["VmCount"] },
  { why: "a plural", given: { "gpu.devices": "auto" }, named: ["gpu.devices"] },
  { why: "the unit left out", given: { "machine.memory": "6144" }, named: ["machine.memory"] },
  {
    why: "a letter left out",
    given: { "evaluation.profil": "none" },
    named: ["evaluation.profil"],
  },
  { why: "a letter too many", given: { "machine.cpuss": "3" }, named: ["machine.cpuss"] },
  { why: "a capital inside", given: { "domU.Vcpus": "2" }, named: ["domU.Vcpus"] },
  { why: "a group in small letters", given: { "domu.vcpus": "2" }, named: ["domu"] },
  { why: "a flag's writing", given: { "machine-cpus": "3" }, named: ["machine-cpus"] },
  { why: "a Cyrillic letter", given: { "vm\u0421ount": "3" }, named: ["vm\u0421ount"] },
  {
    why: "a Cyrillic letter below",
    given: { "machine.\u0441pus": "3" },
    named: ["machine.\u0441pus"],
  },
  { why: "a zero-width space", given: { "vm\u200bCount": "3" }, named: ["vm\\u200bCount"] },
  { why: "a space at the end", given: { "vmCount ": "3" }, named: ["vmCount "] },
  {
    why: "several at several levels, at once",
    given: { a: "1", "xen.b": "1", "v4v.c.d": "1" },
    named: ["a", "v4v.c", "xen.b"],
  },
];

const hostileNames: Refused[] = [
  {
    why: "the prototype",
    given: { __proto: "1", ["__proto__"]: "1" },
    named: ["__proto", "__proto__"],
  },
  {
    why: "the prototype below",
    given: { "machine.__proto__.cpus": "3" },
    named: ["machine.__proto__.cpus"],
  },
  {
    why: "the prototype in an object",
    given: { machine: '{"__proto__":{"cpus":3}}' },
    named: ["machine.__proto__"],
  },
  {
    why: "the constructor",
    given: { "constructor.prototype.vmCount": "3" },
    named: ["constructor.prototype.vmCount"],
  },
  {
    why: "the constructor in an object",
    given: { v4v: '{"constructor":{"prototype":{}}}' },
    named: ["v4v.constructor"],
  },
  {
    why: "a member of every object",
    given: { toString: "x", "hasOwnProperty.call": "x" },
    named: ["hasOwnProperty", "toString"],
  },
  { why: "no name", given: { "": "3" }, named: [""] },
  { why: "no name between dots", given: { "machine..cpus": "3" }, named: ["machine..cpus"] },
  { why: "a way up", given: { "../machine": "3" }, named: ["../machine"] },
  { why: "a command", given: { "$(reboot)": "3" }, named: ["$(reboot)"] },
];

const hostileTexts: Refused[] = [
  options("a newline", "loglvl=all\nmenuentry x"),
  options("a carriage return", "loglvl=all\r"),
  options("a tab", "a\tb"),
  options("NUL", "a\0b"),
  options("an escape", "\u001b[2J"),
  options("a double quote", 'a="b"'),
  options("a single quote", "a='b'"),
  options("a substitution", "$(reboot)"),
  options("a variable", "${prefix}"),
  options("backticks", "`reboot`"),
  options("the end of a command", "loglvl=all; reboot"),
  options("a pipe", "a|b"),
  options("a path upwards", "../../etc/passwd"),
  options("braces of a template", "{{name}}"),
  options("a backslash", "a\\b"),
  options("a dash that is none", "a\u2011b"),
  options("a space that is none", "a\u00a0b"),
  options("513 characters", "x".repeat(513)),
  options("a megabyte", "x".repeat(2 ** 20)),
  mirror("no scheme", "deb.example/debian"),
  mirror("another scheme", "ftp://deb.example/debian"),
  mirror("a local file", "file:///etc/passwd"),
  mirror("a path", "../../mirror"),
  mirror("a newline with a second source", "http://deb.example\ndeb http://evil.example x main"),
  mirror("a space with a component", "http://deb.example x main"),
  mirror("a single quote", "http://deb.example/'"),
  mirror("backticks", "http://deb.example/`reboot`"),
  mirror("a look-alike of a host", "http://d\u0435b.example"),
  mirror("a substitution", "http://deb.example/$(reboot)"),
  mirror("the end of a command", "http://deb.example/;reboot"),
  mirror("no host", "http:///debian"),
  mirror("a password, which would reach state and report", "http://user:pass@deb.example/debian"),
  mirror("ten thousand characters", `http://deb.example/${"a".repeat(10_000)}`),
];

const numbers: Refused[] = [
  cpus("one less than the least", "0"),
  cpus("one more than the most", "65"),
  cpus("a negative one", "-2"),
  cpus("a fraction", "2.5"),
  cpus("not a number", "NaN"),
  cpus("an infinite one", "Infinity"),
  cpus("more than any", "1e400"),
  cpus("more than an integer holds", "99999999999999999999"),
  cpus("Arabic digits", "\u0663"),
  cpus("full-width digits", "\uff13"),
  cpus("hexadecimal", "0x10"),
  cpus("binary", "0b11"),
  cpus("octal", "0o17"),
  cpus("an exponent", "1e1"),
  cpus("a fraction of nothing", "3.0"),
  cpus("a newline at the end", "3\n"),
  cpus("a space before", " 3"),
  one("vmCount")("one domU alone", "1"),
  one("vmCount")("65 domUs", "65"),
  one("machine.sshPort")("a port above the last", "65536"),
  one("machine.sshPort")("a negative port", "-1"),
  one("evaluation.seed")("above 31 bits", "2147483648"),
  one("domU.vcpus")("more virtual CPUs than domUs get", "9"),
  { why: "more than memory holds", given: { vmCount: "64" }, named: ["vmCount"] },
];

const notBuilt: Refused[] = [
  { why: "an existing host, and none is named", given: { target: "existing" }, named: ["hosts"] },
  {
    why: "a host with another name for its address, and no key",
    given: { target: "existing", hosts: '[{"host":"a"}]' },
    named: ["hosts[0].address", "hosts[0].host", "hosts[0].hostKey"],
  },
  {
    why: "the same host twice",
    given: { target: "existing", hosts: JSON.stringify([HOST, HOST]), vmCount: "4" },
    named: ["hosts[0].link", "hosts[1]", "hosts[1].link"],
  },
  {
    why: "two hosts and domUs for one",
    given: { target: "existing", hosts: JSON.stringify(TWO), vmCount: "2" },
    named: ["vmCount"],
  },
  {
    why: "loopback between two hosts",
    given: {
      target: "existing",
      hosts: JSON.stringify(TWO.map((host) => ({ ...host, link: "", address: "127.0.0.1" }))),
      vmCount: "3",
    },
    named: ["hosts[0].link", "hosts[1]", "hosts[1].link"],
  },
  {
    why: "a name where hosts need addresses",
    given: {
      target: "existing",
      hosts: JSON.stringify(TWO.map((host) => ({ ...host, link: "rack" }))),
      vmCount: "3",
    },
    named: ["hosts[0].link", "hosts[1].link"],
  },
  {
    why: "a rule about V4V between two hosts",
    given: {
      target: "existing",
      hosts: JSON.stringify(TWO),
      vmCount: "4",
      "v4v.rules": '["domu2 -> domu3 drop"]',
    },
    named: ["v4v.rules[0]"],
  },
  {
    why: "more hosts than there are addresses for",
    given: {
      target: "existing",
      hosts: JSON.stringify(Array.from({ length: 10 }, () => HOST)),
      vmCount: "20",
    },
    named: ["hosts"],
  },
  {
    why: "an emulated machine with hosts",
    given: { target: "emulated", hosts: JSON.stringify([HOST]) },
    named: ["hosts"],
  },
  {
    why: "every part of a host wrong, and its jump host half there",
    given: {
      target: "existing",
      hosts: JSON.stringify([
        {
          address: "a b",
          port: 0,
          user: "Root",
          keyFile: "key",
          hostKey: "ssh-rsa AAAA",
          jump: { address: "j" },
        },
      ]),
    },
    named: [
      "hosts[0].address",
      "hosts[0].hostKey",
      "hosts[0].jump.hostKey",
      "hosts[0].keyFile",
      "hosts[0].port",
      "hosts[0].user",
    ],
  },
  {
    why: "a setting of the host's that there is not, with a name like one",
    given: { target: "existing", hosts: JSON.stringify([{ ...HOST, adress: "a" }]) },
    named: ["hosts[0].adress"],
  },
  one("target")("another writing", "Emulated"),
  one("domU.type")("PVH domUs", "pvh"),
  one("gpu.device")("a PCI address without its domain", "01:00.0"),
  one("gpu.device")("a PCI address in capitals", "0000:0A:00.0"),
  one("gpu.device")("a device number that there is not", "0000:01:20.0"),
  one("gpu.device")("a function that there is not", "0000:01:00.8"),
  one("gpu.device")("a vendor's name", "nvidia"),
  one("gpu.device")("a device that the emulated machine has not", "0000:01:00.0"),
  one("gpu.type")("a kind that there is not", "pvh"),
  one("gpu.driver")("another maker's driver", "amd"),
  {
    why: "NVIDIA's driver for an emulated display",
    given: { "gpu.device": "0000:00:10.0", "gpu.driver": "nvidia" },
    named: ["gpu.driver"],
  },
  one("gpu.memoryMiB")("too little for a compiler of kernels", "511"),
  one("gpu.vcpus")("a domU without a CPU", "0"),
  one("remoteGpu.enabled")("half a remote GPU", "0.5"),
  {
    why: "remote execution on no GPU",
    given: { "remoteGpu.enabled": "true", "gpu.device": "none" },
    named: ["remoteGpu.enabled"],
  },
  {
    why: "no memory for the GPU domU",
    given: { "remoteGpu.enabled": "true", "gpu.memoryMiB": "8192" },
    named: ["vmCount"],
  },
  {
    why: "a key of remote GPUs",
    given: { "remoteGpu.archive": "r.tgz" },
    named: ["remoteGpu.archive"],
  },
  profile("a profile that nobody plans", "huge"),
  profile("a look-alike", "sm\u043eke"),
];

const choices: Refused[] = [
  one("evaluation.experiments")("an experiment that is none", "latncy"),
  one("evaluation.experiments")("one that smoke does not measure", "connect"),
  one("evaluation.experiments")("nothing", ""),
  one("evaluation.sizes")("more than a message may have", "17MiB"),
  one("evaluation.sizes")("another unit", "64kB"),
  one("evaluation.gpuProducts")("a matrix's size in bytes", "64KiB"),
  one("evaluation.gpuStencils")("a side that is none", "0"),
  one("evaluation.gpuTransfers")("another unit of a transfer", "1MB"),
  {
    why: "a matrix larger than memory",
    given: { "remoteGpu.enabled": "true", "evaluation.gpuProducts": "16384" },
    named: ["evaluation.gpuProducts"],
  },
  one("evaluation.transports")("a transport that is none", "rdma"),
  one("evaluation.repetitions")("none", "0"),
  one("evaluation.repetitions")("less at most than at least", "9-6"),
  one("evaluation.budget")("minutes for seconds", "9m"),
  {
    why: "more pairs than domUs",
    given: { "evaluation.profile": "quick", "evaluation.pairs": "2" },
    named: ["evaluation.pairs"],
  },
  {
    why: "V4V that is off",
    given: { "v4v.enabled": "false", "evaluation.transports": "tcp,v4v" },
    named: ["evaluation.transports"],
  },
];

const rule = (why: string, text: string): Refused => ({
  why,
  given: { v4v: JSON.stringify({ rules: [text] }) },
  named: ["v4v.rules[0]"],
});

const rules: Refused[] = [
  one("v4v.rules")("a rule for a list", "domu1 -> domu2 drop"),
  one("v4v.rules")("an object for a list", '{"0":"domu1 -> domu2 drop"}'),
  one("v4v.rules")("a list that does not end", '["domu1 -> domu2 drop"'),
  one("v4v.rules")("more than the table holds", JSON.stringify(Array(257).fill("any -> any drop"))),
  one("v4v.policy")("iptables' word", "reject"),
  one("v4v.policy")("another writing", "DROP"),
  rule("no target", "domu1 -> domu2"),
  rule("another target", "domu1 -> domu2 reject"),
  rule("capitals", "domu1 -> domu2 DROP"),
  rule("no arrow", "domu1 domu2 drop"),
  rule("another arrow", "domu1 > domu2 drop"),
  rule("both ways", "domu1 <-> domu2 drop"),
  rule("dom0's other name", "Domain-0 -> domu1 drop"),
  rule("a number", "1 -> domu1 drop"),
  rule("a domain of somebody else", "web -> domu1 drop"),
  rule("a domU that is not there", "domu3 -> domu1 drop"),
  rule("a domU that is none", "domu0 -> domu1 drop"),
  rule("a leading zero", "domu01 -> domu1 drop"),
  rule("a word for a port", "domu1 -> domu2:ssh drop"),
  rule("a negative port", "domu1 -> domu2:-1 drop"),
  rule("no port behind the colon", "domu1 -> domu2: drop"),
  rule("a port of 33 bits", "domu1 -> domu2:4294967296 drop"),
  rule("two rules in one", "domu1 -> domu2 drop\ndomu2 -> domu1 drop"),
  rule("options of viptables", "any -> any -j accept"),
  rule("a comment", "any -> any drop # all"),
  { why: "a number for a rule", given: { v4v: '{"rules":[7]}' }, named: ["v4v.rules[0]"] },
  { why: "nothing for a rule", given: { v4v: '{"rules":[null]}' }, named: ["v4v.rules[0]"] },
  {
    why: "the second and the third",
    given: { "v4v.rules": '["any -> any drop","x","y"]' },
    named: ["v4v.rules[1]", "v4v.rules[2]"],
  },
  {
    why: "rules for nothing",
    given: { "v4v.enabled": "false", "v4v.policy": "drop", "v4v.rules": '["any -> any drop"]' },
    named: ["v4v.policy", "v4v.rules"],
  },
];

export const refused: Refused[] = [
  ...rules,
  ...wrongTypes,
  ...units,
  ...nesting,
  ...unknown,
  ...hostileNames,
  ...hostileTexts,
  ...numbers,
  ...notBuilt,
  ...choices,
  {
    why: "one of each kind, at once",
    given: {
      vmCount: "1",
      machine: '{"cpus":"many","memory":"4GiB","accelerator":"hvf"}',
      "xen.options": "$(reboot)",
      "v4v.enabled": "perhaps",
      hosts: "a",
      colour: "red",
      "__proto__.x": "1",
    },
    named: [
      "__proto__.x",
      "colour",
      "hosts",
      "machine.accelerator",
      "machine.cpus",
      "machine.memory",
      "v4v.enabled",
      "vmCount",
      "xen.options",
    ],
  },
];

/** Configurations that people write, which nothing above may rule out. */
export const accepted: Record<string, string>[] = [
  {},
  { vmCount: "16" },
  { vmCount: "64", "machine.memoryMiB": "16384" },
  { target: "emulated", hosts: "[]" },
  { target: "existing", hosts: JSON.stringify([HOST]) },
  {
    target: "existing",
    hosts: JSON.stringify([
      {
        ...HOST,
        port: "2222",
        user: "admin",
        keyFile: "~/.ssh/id",
        jump: { ...HOST, address: "10.0.0.1" },
      },
    ]),
  },
  { target: "existing", hosts: JSON.stringify(TWO), vmCount: "3" },
  {
    target: "existing",
    hosts: JSON.stringify(TWO.map(({ hostKey, link }) => ({ hostKey, address: link }))),
    vmCount: "4",
    "v4v.rules": '["domu3 -> domu4 drop", "domu1 -> any drop"]',
  },
  // An existing host is asked what memory it has.
  { target: "existing", hosts: JSON.stringify([HOST]), vmCount: "64" },
  { machine: '{"memoryMiB":8192,"cpus":4}', "machine.diskMiB": "8192" },
  { machine: '{"memoryMiB":"8192"}' },
  { "machine.accelerator": "tcg", "machine.sshPort": "0" },
  { "machine.accelerator": "kvm", "machine.sshPort": "65535" },
  { "machine.mirror": "" },
  { "machine.mirror": "http://deb.example/debian" },
  { "machine.mirror": "https://mirror.example:8443/pub/debian-archive/debian/" },
  { "machine.mirror": "http://127.0.0.1:3142/deb.example/debian/~user/x_y+z%20" },
  { domU: '{"type":"pv","memoryMiB":128,"vcpus":8}' },
  { "xen.options": "loglvl=all guest_loglvl=all sched=credit2,cap=0" },
  { "xen.options": "" },
  { v4v: '{"enabled":false}' },
  { "v4v.enabled": "true", "v4v.ringKiB": "4" },
  { "v4v.rules": '["domu1 -> domu2 drop", "any:1 -> dom0:4294967295 accept"]' },
  { v4v: '{"rules":"[\\"domu1 -> domu2 drop\\"]","policy":"drop"}' },
  { vmCount: "3", v4v: '{"rules":["  domu3->domu2:0   drop "]}' },
  // And which devices.
  {
    target: "existing",
    hosts: JSON.stringify([HOST]),
    "gpu.device": "0000:01:00.0",
    "gpu.driver": "nvidia",
  },
  { "gpu.device": "none", "remoteGpu.enabled": "false" },
  { "gpu.device": "0000:00:10.0" },
  { "gpu.device": "0000:00:10.0", "gpu.type": "hvm" },
  { "gpu.device": "0000:00:10.0", "gpu.memoryMiB": "2048", "gpu.vcpus": "2" },
  { "remoteGpu.enabled": "true" },
  {
    "remoteGpu.enabled": "true",
    "evaluation.gpuProducts": "64,512",
    "evaluation.gpuTransfers": "4KiB,32MiB",
  },
  { evaluation: '{"profile":"none"}' },
  { "evaluation.seed": "2147483647", "evaluation.generation": "7", "evaluation.timeout": "86400" },
  { evaluation: "{}", machine: "{}" },
  {
    "evaluation.experiments": "latency",
    "evaluation.sizes": "1,64KiB",
    "evaluation.repetitions": "6-30",
  },
  {
    vmCount: "4",
    "evaluation.profile": "quick",
    "evaluation.pairs": "2",
    "evaluation.budget": "300",
  },
  { evaluation: '{"repetitions":12,"transports":"tcp, unix"}' },
];
