/** The transport failed: the far side may or may not have done its work, and may be asked again. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Someone else answers at this address: never retried. */
export class HostKeyMismatch extends Error {
  override readonly name = "HostKeyMismatch";
}

/** There is nothing to log in with: no key, none that can be read, no agent. Never retried. */
export class NoLogin extends Error {
  override readonly name = "NoLogin";
}

/** A remote program ran and failed. */
export class RemoteFailure extends Error {
  override readonly name = "RemoteFailure";
  readonly exitCode: number;
  readonly stderr: string;

  constructor(what: string, where: string, exitCode: number, stderr: string) {
    const said = stderr.trim().split("\n").slice(-8).join("\n");
    super(
      `${what} on ${where} failed with exit code ${exitCode}${said === "" ? "" : `:\n${said}`}`,
    );
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}
