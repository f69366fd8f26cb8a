/** A failure that its message explains fully: shown without a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
}
