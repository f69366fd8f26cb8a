/** What a gate file says, read as benchmarks/v4v-bench/gate.h has it. */
export interface GateText {
  until: number;
  skip: ReadonlySet<number>;
}

/** @throws Error for what v4v-bench would refuse */
export function parseGate(text: string): GateText {
  const [header, until, ...skip] = text.split("\n");
  if (header !== "v4v-bench-gate 1" || skip.pop() !== "") throw new Error(`no gate: ${text}`);
  const number = (line: string | undefined, word: string): number => {
    const [first, value, ...rest] = (line ?? "").split(" ");
    if (first !== word || !/^\d+$/.test(value ?? "") || rest.length > 0)
      throw new Error(`not ${word} and a number: ${line ?? ""}`);
    return Number(value);
  };
  return {
    until: number(until, "until"),
    skip: new Set(skip.map((line) => number(line, "skip"))),
  };
}
