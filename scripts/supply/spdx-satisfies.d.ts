declare module "spdx-satisfies" {
  /**
   * Whether the licences of a list allow what an SPDX expression asks for.
   *
   * @throws Error for what is no such expression
   */
  export default function satisfies(expression: string, accepted: string[]): boolean;
}
