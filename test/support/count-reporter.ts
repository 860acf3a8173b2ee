import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Ends the run with the one line that scripts look for: `tests: N passed, N failed, N skipped`. Before it come the
 * tests that passed at a second attempt only, each with its first failure: they count as passed, and ask to be looked at.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        counts[test.result().state] += 1;
        if (test.diagnostic()?.flaky === true) process.stdout.write(secondAttempt(test));
      }
    }
    process.stdout.write(
      `\ntests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
    );
  }
}

function secondAttempt(test: TestCase): string {
  const [error] = test.result().errors ?? [];
  const why = error?.stack ?? error?.message ?? 'no word why';
  return `\npassed at the second attempt only: ${test.module.relativeModuleId} > ${test.fullName}\n${why}\n`;
}
