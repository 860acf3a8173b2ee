import type { CommonOptions } from './command-options.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { SelfTestJson } from './json/self-test.js';
import { paint } from './paint.js';
import { CHECKS } from './self-test/checks.js';
import { SelfTestPlace } from './self-test/place.js';

type Result = SelfTestJson['checks'][number];

/** The `self-test` command: one line per check, 0 when all pass, 1 otherwise. Leaves nothing behind. */
export async function runSelfTest(_options: CommonOptions, io: Io): Promise<ExitCode> {
  const colours = paint(io.colour);
  const place = new SelfTestPlace();
  const startedAtMs = Date.now();
  const results: Result[] = [];
  try {
    for (const check of CHECKS) {
      const result = await attempt(check.name, () => check.prove(place));
      results.push(result);
      const word = result.ok ? colours.good('ok    ') : colours.bad('FAILED');
      if (!io.quiet || !result.ok) io.out(`${word} ${result.check}: ${result.detail}\n`);
    }
  } finally {
    place.remove();
  }
  const failed = results.filter((result) => !result.ok).length;
  const seconds = (Date.now() - startedAtMs) / 1000;
  io.json({ ok: failed === 0, seconds, checks: results } satisfies SelfTestJson);
  if (!io.quiet) {
    io.out(
      `${failed === 0 ? 'All of it works here' : `${failed} of ${results.length} checks failed`} (${seconds.toFixed(1)} s)\n`,
    );
  }
  return failed === 0 ? EXIT.done : EXIT.failed;
}

/** A check that fails is a result, not the end of the test. */
async function attempt(check: string, prove: () => Promise<string>): Promise<Result> {
  const startedAtMs = Date.now();
  const done = (ok: boolean, detail: string): Result => ({
    check,
    ok,
    detail,
    seconds: (Date.now() - startedAtMs) / 1000,
  });
  try {
    return done(true, await prove());
  } catch (error) {
    return done(false, error instanceof Error ? error.message : String(error));
  }
}
