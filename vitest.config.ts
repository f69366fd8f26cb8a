import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/unit/**/*.test.ts"],
    // A bound against hangs, not a measure of speed.
    testTimeout: 60_000,
  },
});
