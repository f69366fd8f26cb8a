import { UserError } from "./lib/userError.ts";
import { testbedProgram } from "./program.ts";

try {
  await testbedProgram().parseAsync(process.argv);
} catch (error) {
  // What the user can mend is told in a sentence; anything else is a mistake of ours and shows where.
  console.error(error instanceof UserError ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
