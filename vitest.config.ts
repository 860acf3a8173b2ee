import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/support/built.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than there are CPUs on a small machine: most tests wait for processes, kills and timeouts.
    maxWorkers: 3,
    reporters: ['default', './test/support/count-reporter.ts'],
  },
});
