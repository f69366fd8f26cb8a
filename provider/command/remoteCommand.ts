import { randomBytes } from "node:crypto";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource, Value } from "../resource.ts";
import { RemoteFailure } from "../ssh/errors.ts";
import { quote } from "../ssh/quote.ts";
import { Remote } from "../ssh/remote.ts";
import { untilReachable } from "../ssh/wait.ts";
import { toConnection, type CommandConnection } from "./connection.ts";

interface RemoteCommandInputs {
  connection: CommandConnection;
  create?: string;
  update?: string;
  delete?: string;
  stdin?: string;
  environment?: Record<string, string>;
  triggers?: unknown[];
  logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  addPreviousOutputInEnv?: boolean;
}

const textOf = (value: Value | undefined): string => (typeof value === "string" ? value : "");

async function execute(
  context: Context,
  inputs: RemoteCommandInputs,
  command: string,
  prior: Prior | undefined,
): Promise<Properties> {
  const remote = new Remote(toConnection(inputs.connection), context.signal);
  const previous =
    prior === undefined || inputs.addPreviousOutputInEnv === false
      ? {}
      : {
          PULUMI_COMMAND_STDOUT: textOf(prior.outputs.stdout),
          PULUMI_COMMAND_STDERR: textOf(prior.outputs.stderr),
        };
  const variables = Object.entries({ ...inputs.environment, ...previous });
  for (const [name] of variables) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new Error(`environment: ${JSON.stringify(name)} is not a name of a variable`);
  }
  // sshd takes almost no variables from clients (AcceptEnv), so they are set by the command line itself.
  const prefix = variables.map(([name, value]) => `export ${name}=${quote(value)}; `).join("");
  const result = await untilReachable("running a command", context.signal, () =>
    remote.once(prefix + command, inputs.stdin),
  );
  if (result.exitCode !== 0)
    throw new RemoteFailure(
      `"${command.slice(0, 80)}"`,
      remote.name,
      result.exitCode,
      result.stderr,
    );
  const logging = inputs.logging ?? "stdoutAndStderr";
  if (logging !== "none" && logging !== "stderr" && result.stdout !== "")
    context.status(result.stdout.trimEnd());
  if (logging !== "none" && logging !== "stdout" && result.stderr !== "")
    context.status(result.stderr.trimEnd());
  // One trailing newline is cut off, as the official plugin does.
  return { stdout: result.stdout.replace(/\n$/, ""), stderr: result.stderr.replace(/\n$/, "") };
}

/** `command:remote:Command` of @pulumi/command 1.2: runs `create`, then `update` or `create`, and at the end `delete`. */
export const remoteCommand: Resource = {
  deadlines: { create: 600, update: 600, delete: 600 },
  replaceOn: ["triggers"],
  // Another connection is another way to the same command, not another command.
  quietInputs: ["connection", "logging", "addPreviousOutputInEnv"],

  id: () => `cmd${randomBytes(8).toString("hex")}`,

  check: (inputs) => Promise.resolve({ inputs, failures: missing(inputs, ["connection"]) }),

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<RemoteCommandInputs>(properties);
    const made = prior !== undefined && prior.unfinished !== true;
    const command = made ? (inputs.update ?? inputs.create) : inputs.create;
    if (command === undefined) return { stdout: "", stderr: "" };
    return execute(context, inputs, command, prior);
  },

  read: (_context: Context, prior: Prior) =>
    Promise.resolve({ inputs: prior.inputs, outputs: prior.outputs }),

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<RemoteCommandInputs>(prior.inputs);
    if (inputs.delete !== undefined) await execute(context, inputs, inputs.delete, prior);
  },
};
