#!/usr/bin/env node
/** `worker --task FILE`, as an engine starts it. */
function workerTask([, , command, flag, file, ...more]: readonly string[]): string | null {
  return command === 'worker' && flag === '--task' && more.length === 0 ? (file ?? null) : null;
}

const task = workerTask(process.argv);
if (task === null) {
  const { runProgram } = await import('./program.js');
  await runProgram(process.argv);
} else {
  // One for each chunk: they take the short way, past the program that people use.
  const { runWorker } = await import('../src/worker/main.js');
  // At once: on the way of an ordinary end signals lose their handlers, and a late SIGUSR2 would kill it.
  process.exit(await runWorker(task));
}
