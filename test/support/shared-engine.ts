import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, TestEngine, unmountBelow } from './engine.js';

const STOP_TIMEOUT_MS = 20_000;
const LOOK_MS = 100;

/** Of the one engine that a run has for all its test files. @param built what `inject('built')` gives */
export const engineFolder = (built: string): string => join(built, 'engine');

/** Starts it; it stays when the process of this test file ends. */
export async function startSharedEngine(built: string): Promise<void> {
  const folder = engineFolder(built);
  await mkdir(folder);
  await TestEngine.startIn(folder);
}

/** At the end of the run: stops every container and the daemon, where one was started. */
export async function stopSharedEngine(built: string): Promise<void> {
  const folder = engineFolder(built);
  const pidFile = join(folder, 'pid');
  if (!existsSync(pidFile)) return;
  const pid = readFileSync(pidFile, 'utf8').trim();
  const runs = (): boolean => commandLine(pid).includes(pidFile);
  if (runs()) {
    const engine = TestEngine.at(TestEngine.hostIn(folder));
    const all = await engine.docker('ps', '-aq').catch(() => '');
    if (all !== '') await engine.docker('rm', '-f', ...all.split('\n')).catch(() => '');
    process.kill(Number(pid), 'SIGTERM');
  }
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (runs()) {
    if (performance.now() > deadline) process.kill(Number(pid), 'SIGKILL');
    await sleep(LOOK_MS);
  }
  await unmountBelow(folder);
}
