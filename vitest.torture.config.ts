import { defineConfig } from 'vitest/config';

/** `npm run torture`: every point of what the ordinary run samples. Takes the better part of an hour. */
export default defineConfig({
  test: {
    include: ['test/torture/**/*.torture.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './test/support/count-reporter.ts'],
  },
});
