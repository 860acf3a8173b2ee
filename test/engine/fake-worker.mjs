// Stands in for the worker in tests of the engines: does what its task file says, nothing else.
// Started as `fake-worker.mjs worker --task FILE`.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setInterval } from 'node:timers';

const taskFile = process.argv[process.argv.indexOf('--task') + 1];
const task = JSON.parse(readFileSync(taskFile, 'utf8'));
for (let line = 1; line <= (task.lines ?? 0); line += 1) console.log(`line ${line}`);
if (task.complain) console.error(task.complain);
if (task.list)
  writeFileSync(join(dirname(taskFile), 'seen.json'), JSON.stringify(readdirSync(task.list).sort()));
if (task.writeInto) {
  try {
    writeFileSync(join(task.writeInto, 'written'), 'x');
    console.log('could write');
  } catch (error) {
    console.log(`could not write: ${error.code}`);
  }
}
if (task.whoami) writeFileSync(join(dirname(taskFile), 'owned'), 'x');
if (task.hoard) {
  const hoard = [];
  for (;;) hoard.push(Buffer.alloc(4 * 1024 * 1024, 1));
}
for (const signal of ['SIGTERM', 'SIGUSR2']) {
  process.on(signal, () => {
    console.log(`got ${signal}`);
    if (signal === 'SIGTERM' && !task.ignoreTerm) process.exit(143);
  });
}
if (task.exitCode === undefined) {
  writeFileSync(join(dirname(taskFile), 'ready'), '');
  setInterval(() => existsSync(join(dirname(taskFile), 'leave')) && process.exit(0), 50);
} else process.exitCode = task.exitCode;
