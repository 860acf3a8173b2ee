import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ProcessEngine } from '../../src/engine/process.js';
import { describeEngine, FAKE_WORKER, Workbench } from './engine-contract.js';

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
