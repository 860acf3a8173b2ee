#!/usr/bin/env node
// Entry of the image. A first word that is none of our commands is executed instead, so that
// `docker run --rm IMAGE echo test` does what people expect of an image.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNAL_BASE = 128;
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

async function isOurs(word: string | undefined): Promise<boolean> {
  if (word === undefined || word.startsWith('-') || word === 'help') return true;
  const { createProgram } = await import('./program.js');
  return createProgram().commands.some((each) => each.name() === word || each.aliases().includes(word));
}

function execute(command: string, args: string[]): void {
  const child = spawn(command, args, { stdio: 'inherit' });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.once('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(`nas-scanner: ${command}: ${error.message}\n`);
    process.exitCode = error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
  });
  child.once('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : SIGNAL_BASE + constants.signals[signal];
    for (const each of FORWARDED) process.removeAllListeners(each);
  });
}

const [first, ...rest] = process.argv.slice(2);
if (await isOurs(first)) await import('./main.js');
else if (first !== undefined) execute(first, rest);
