import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { expect, test } from 'vitest';
import { ProcessEngine } from '../../src/engine/process.js';
import { describeEngine, ended, FAKE_WORKER, Workbench } from './engine-contract.js';

describeEngine('process', () => Promise.resolve(new ProcessEngine(FAKE_WORKER)));

test('nothing holds up the end of whoever started a worker, once that has ended', async () => {
  const bench = await Workbench.make();
  try {
    const built = new URL('../../dist/src/engine/process.js', import.meta.url).href;
    const launch = JSON.stringify(await bench.launch({ exitCode: 0, lines: 1 }));
    const program = `
      const { ProcessEngine } = await import(${JSON.stringify(built)});
      const engine = new ProcessEngine(${JSON.stringify(FAKE_WORKER)});
      const ended = new Promise((resolve) => engine.watch(({ kind, id }) => kind === 'exited' && resolve(id)));
      const launch = ${launch};
      await engine.start(launch, engine.plan(launch), 20_000);
      await engine.remove(await ended);
      await engine.close();
      const isHeld = () => process.getActiveResourcesInfo().includes('Timeout');
      setImmediate(() => console.log(isHeld() ? 'a timer' : 'no timer'));`;
    const args = ['--input-type=module', '-e', program];
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout).toBe('no timer\n');
  } finally {
    await bench.remove();
  }
});

/** To raise priorities (CAP_SYS_NICE), and those of groups as often as one likes (CAP_SYS_ADMIN). */
const CAPABILITIES = (1n << 23n) | (1n << 21n);
const mayRaise = (): boolean => {
  const [, set = '0'] = /^CapEff:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${set}`) & CAPABILITIES) === CAPABILITIES;
};

test.runIf(mayRaise())(
  'a worker that is to end has low priority no longer; one that is to yield keeps it',
  async () => {
    const bench = await Workbench.make();
    const engine = new ProcessEngine(FAKE_WORKER);
    const launch = await bench.launch({ ignoreTerm: true });
    try {
      const { id } = await engine.start(launch, engine.plan(launch), 20_000);
      await bench.ready(launch);
      const threads = (): number[] => readdirSync(`/proc/${id}/task`).map(Number);
      const group = `/proc/${id}/autogroup`;
      const hasGroup = existsSync(group);
      for (const thread of threads()) setPriority(thread, 10);
      if (hasGroup) writeFileSync(group, '10');
      const expectAll = (priority: number): void => {
        expect(new Set(threads().map((thread) => getPriority(thread)))).toEqual(new Set([priority]));
        if (hasGroup) expect(readFileSync(group, 'utf8')).toMatch(new RegExp(` nice ${priority}$`, 'm'));
      };
      await engine.signal(id, 'SIGUSR2');
      expectAll(10);
      await engine.signal(id, 'SIGTERM');
      expectAll(0);
      await engine.signal(id, 'SIGKILL');
      await ended(engine, id);
    } finally {
      await bench.leave(launch);
      await engine.close();
      await bench.remove();
    }
  },
);
