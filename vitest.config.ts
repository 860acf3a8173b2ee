import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/support/built.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than there are CPUs on a small machine: most tests wait for processes, kills and timeouts.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/support/count-reporter.ts'],
  },
});
