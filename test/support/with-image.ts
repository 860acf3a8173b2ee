import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { buildImage } from './engine-image.js';
import { engineAvailable, TestEngine } from './engine.js';

const BUILD_TIMEOUT_MS = 180_000;

/** Tests against the shared engine, with the program's own image in it. `daemon` is there once they run. */
export function describeWithImage(
  title: string,
  timeout: number,
  body: (daemon: () => TestEngine) => void,
): void {
  describe.skipIf(!engineAvailable)(title, { timeout }, () => {
    let daemon: TestEngine | undefined;
    beforeAll(async () => {
      daemon = await TestEngine.shared();
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
