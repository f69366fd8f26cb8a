import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.test.ts"],
    // One Chromium at a time.
    fileParallelism: false,
    // Bounds against hangs.
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
