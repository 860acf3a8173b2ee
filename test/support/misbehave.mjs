// Entry of test images: misbehaves as MISBEHAVE says where a worker would begin, else is the scanner itself.
import { readFileSync } from 'node:fs';

/** With what a worker needs by itself, more than one limit of the tests and less than twice that. */
const HOARD_MIB = 130;

const [command, , taskFile] = process.argv.slice(2);
if (command === 'worker') {
  const { attempt } = JSON.parse(readFileSync(taskFile, 'utf8'));
  if (process.env.MISBEHAVE === 'exit-1') {
    console.error('no, not today');
    process.exit(1);
  }
  if (process.env.MISBEHAVE === 'hoard-once' && attempt === 1) {
    const hoard = [];
    for (;;) hoard.push(Buffer.alloc(4 * 1024 * 1024, 1));
  }
  if (process.env.MISBEHAVE === 'hoard') globalThis.hoard = Buffer.alloc(HOARD_MIB * 1024 * 1024, 1);
}
await import('/opt/nas-scanner/dist/cli/container.js');
