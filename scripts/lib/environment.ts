import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cloneStateFolder } from "../../provider/host/folders.ts";
import { chooseBackend, credentialsFolder, ownBackendFolder, type Backend } from "./backend.ts";
import { PROJECT } from "./project.ts";

/** Backend, passphrase and plug-in folder of this clone; what the user has set already is left alone. */
export function ownEnvironment(): { variables: Record<string, string>; backend: Backend } {
  const state = cloneStateFolder(PROJECT);
  mkdirSync(ownBackendFolder(), { recursive: true, mode: 0o700 });
  chmodSync(state, 0o700);
  const own: Record<string, string> = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  const backend = chooseBackend();
  if (backend.chosenBy === "default") own.PULUMI_BACKEND_URL = backend.url ?? "";
  if (
    process.env.PULUMI_CONFIG_PASSPHRASE === undefined &&
    process.env.PULUMI_CONFIG_PASSPHRASE_FILE === undefined
  ) {
    const passphrase = join(state, "passphrase");
    if (!existsSync(passphrase))
      writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600, flag: "wx" });
    own.PULUMI_CONFIG_PASSPHRASE_FILE = passphrase;
  }
  if (process.env.PULUMI_HOME === undefined) {
    own.PULUMI_HOME = join(state, "pulumi-home");
    // Logins are the user's; with the clone's own backend there is none.
    if (backend.chosenBy !== "default") own.PULUMI_CREDENTIALS_PATH = credentialsFolder();
  }
  return { variables: own, backend };
}
