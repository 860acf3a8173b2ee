import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_TAIL_LINES_MAX } from '../../journal/events/attempt.js';
import { FakeEngine, type Script } from '../support/fake-engine.js';
import { describeEngine, eventually, type Orders } from './engine-contract.js';

/** Does what the program that stands in for workers does (fake-worker.mjs), without a process. */
const obedient: Script = async ({ task, launch, signals, log }) => {
  const { lines = 0, complain, exitCode, ignoreTerm = false } = task as unknown as Orders;
  for (let line = 1; line <= lines; line += 1) log.push(`line ${line}`);
  if (complain !== undefined) log.push(complain);
  const ends = (code: number, signal: string | null = null) => ({
    exitCode: code,
    signal,
    logTail: [...log, ...signals.filter((each) => each !== 'SIGKILL').map((each) => `got ${each}`)].slice(
      -LOG_TAIL_LINES_MAX,
    ),
  });
  if (exitCode !== undefined) return ends(exitCode);
  writeFileSync(join(launch.writerDir, 'ready'), '');
  const told = (): boolean => existsSync(join(launch.writerDir, 'leave'));
  const stopped = (): boolean => signals.includes('SIGTERM') && !ignoreTerm;
  await eventually(() => told() || stopped() || signals.includes('SIGKILL'));
  if (signals.includes('SIGKILL')) return ends(137, 'SIGKILL');
  return ends(stopped() ? 143 : 0);
};

describeEngine('the fake', () => Promise.resolve(new FakeEngine(obedient)));
