import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.js';

/** Real daemons, kernels, kills and full disks: they need time that a busy machine may not have. */
const MACHINE = ['test/engine/**/*.test.ts', 'test/contract/**/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: './test/support/built.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than there are CPUs on a small machine: most tests wait for processes, kills and timeouts.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      { extends: true, test: { name: 'logic', include: ['test/**/*.test.ts'], exclude: MACHINE } },
      // A second attempt, which the end of the run names with what went wrong before.
      { extends: true, test: { name: 'machine', include: MACHINE, retry: 1 } },
    ],
  },
});
