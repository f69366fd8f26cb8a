declare module "spdx-expression-parse" {
  /** @throws Error for what is no SPDX expression */
  export default function parse(expression: string): unknown;
}
