import { afterAll, beforeAll, describe, inject, onTestFinished } from 'vitest';
import { buildImage } from './engine-image.js';
import { engineAvailable, TestEngine } from './engine.js';
import { onceForAll } from './once.js';
import { engineFolder, startSharedEngine } from './shared-engine.js';

const BUILD_TIMEOUT_MS = 180_000;

/**
 * The engine that DOCKER_HOST names, where it answers (it is never stopped or killed), else one for all test files of
 * this run, which the first that asks starts.
 */
export async function sharedEngine(): Promise<TestEngine> {
  const given = TestEngine.at(process.env['DOCKER_HOST'] ?? '');
  if (given.host !== '' && (await given.answers())) return given;
  const built = inject('built');
  await onceForAll('engine', () => startSharedEngine(built));
  return TestEngine.at(TestEngine.hostIn(engineFolder(built)));
}

/** Tests against the shared engine, with the program's own image in it. `daemon` is there once they run. */
export function describeWithImage(
  title: string,
  timeout: number,
  body: (daemon: () => TestEngine) => void,
): void {
  describe.skipIf(!engineAvailable)(title, { timeout }, () => {
    let daemon: TestEngine | undefined;
    beforeAll(async () => {
      daemon = await sharedEngine();
      await buildImage(daemon);
    }, BUILD_TIMEOUT_MS);
    afterAll(() => daemon?.stop());
    body(() => {
      if (daemon === undefined) throw new Error('the engine is there in tests only');
      return daemon;
    });
  });
}

/** Removes a place when the test that made it has ended. */
export function removedAfterwards<T extends { remove(): void }>(place: T): T {
  onTestFinished(() => {
    place.remove();
  });
  return place;
}
