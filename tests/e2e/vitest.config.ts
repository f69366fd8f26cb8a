import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.test.ts", ...(process.env.V4V_TEST === "full" ? ["full/*.test.ts"] : [])],
    // One emulated machine at a time, and each test goes on where the one before it left the machine.
    fileParallelism: false,
    bail: 1,
    // Bounds against hangs; every wait inside has a shorter one.
    testTimeout: 20 * 60_000,
    hookTimeout: 10 * 60_000,
  },
});
