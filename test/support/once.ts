import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';

const WAIT_MAX_MS = 170_000;
const LOOK_MS = 50;

/**
 * Does something once for all test files of the run: the first that asks does it, all others wait for its end.
 * @throws Error in each of them where it fails
 */
export async function onceForAll(name: string, work: () => Promise<unknown>): Promise<void> {
  const begun = join(inject('built'), `${name}.begun`);
  const ended = join(inject('built'), `${name}.ended`);
  try {
    await mkdir(begun);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await endOf(name, ended);
    return;
  }
  const end = (why: string): void => {
    writeFileSync(join(begun, 'why'), why);
    renameSync(join(begun, 'why'), ended);
  };
  try {
    await work();
    end('');
  } catch (error) {
    end(String(error));
    throw error;
  }
}

async function endOf(name: string, ended: string): Promise<void> {
  const deadline = performance.now() + WAIT_MAX_MS;
  while (!existsSync(ended)) {
    if (performance.now() > deadline)
      throw new Error(`another test file does not come to an end with ${name}`);
    await sleep(LOOK_MS);
  }
  const why = readFileSync(ended, 'utf8');
  if (why !== '') throw new Error(`another test file has failed with ${name}: ${why}`);
}
