import { defineConfig } from 'vitest/config';

/** `npm run torture`: every point of what the ordinary run samples. Takes some two hours on two cores, and 15 GB of disk for a while. */
export default defineConfig({
  test: {
    globalSetup: './test/support/built.ts',
    // Two of the ordinary run's tests kill as often as they are told.
    include: [
      'test/torture/**/*.torture.ts',
      'test/projections/kill.test.ts',
      'test/contract/former-kill.test.ts',
    ],
    env: { NAS_SCANNER_TEST_KILLS: '1000', NAS_SCANNER_TEST_IMPORT_KILLS: '50' },
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './test/support/count-reporter.ts'],
  },
});
