/** What the project needs of @pulumi/command, run against whichever plugin is there. */
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const word = config.require("word");
const connection = {
  host: "127.0.0.1",
  port: config.requireNumber("port"),
  user: "root",
  privateKey: config.requireSecret("privateKey"),
  hostKey: config.require("hostKey"),
};

const main = new remote.Command("plain", {
  connection,
  create: `echo "created ${word}" | tee /run/conformance`,
  update: `echo "updated ${word} after $PULUMI_COMMAND_STDOUT" | tee /run/conformance`,
  delete: "echo deleted >/run/conformance",
});
const stdin = new remote.Command("stdin", { connection, create: "cat", stdin: "from stdin" });
const copy = new remote.CopyToRemote("copy", {
  connection,
  source: new pulumi.asset.StringAsset("an asset\n"),
  remotePath: "/run/conformance-copy",
});
const read = new remote.Command(
  "read",
  { connection, create: "cat /run/conformance-copy", triggers: [1] },
  { dependsOn: [copy] },
);
// The official plugin leaves variables to sshd's AcceptEnv, so the project sets them in the command itself.
const quoted = new remote.Command("variable", {
  connection,
  create: "WORD='it'\\''s $HOME'; printf '%s\\n' \"$WORD\"",
});

export const plain = main.stdout;
export const input = stdin.stdout;
export const copied = read.stdout;

export const variable = quoted.stdout;
