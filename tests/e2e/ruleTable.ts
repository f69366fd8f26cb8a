import type { Testbed } from "./testbed.ts";

/** `up`'s flags for a rule of a datagram port that nobody uses: what happens to it is looked at, not what it does. */
export const RULE_FLAGS = ["--v4v-rules", JSON.stringify(["domu1 -> domu2:2147488648 drop"])];

/** The table with that rule, as `tableOf` has it. */
export const RULE_TABLE = "-P ACCEPT\n-A -s domu1 -d domu2:2147488648 -j DROP";

/** The policy and the rules that are in force. */
export const tableOf = (testbed: Testbed): Promise<string> =>
  testbed.on("host", "viptables --save");
