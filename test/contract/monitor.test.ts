import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRY, Place, run, Running, until } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';

const ROWS = 24;
const COLUMNS = 80;
const HOME = '\u001b[H';
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
// eslint-disable-next-line no-control-regex -- escapes are what is looked for
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

const place = new Place();
let scan: Running;
let worker = 0;

/** A scan that goes on for as long as it is wanted: its worker is held. */
beforeAll(async () => {
  plantManyFiles(place.tree, 200, 10);
  scan = new Running(place.scanArgs('--checksum', 'full', '--max-containers', '1', '--stall-timeout', '900'));
  worker = await scan.firstWorker();
  process.kill(worker, 'SIGSTOP');
});
afterAll(async () => {
  process.kill(worker, 'SIGCONT');
  await scan.ended;
  place.remove();
});

interface Shown {
  output: string;
  /** `stty -a` of the terminal, before and after. */
  before: string;
  after: string;
}

/** Runs `monitor` on a terminal of its own, 80x24, until it is told to stop. */
async function onTerminal(stop: (keys: (text: string) => void, monitor: number) => void): Promise<Shown> {
  const file = (name: string): string => join(place.root, name);
  const monitor = `${process.execPath} ${ENTRY} ${place.args('monitor').join(' ')}`;
  const script = `stty rows ${ROWS} cols ${COLUMNS}; stty -a > ${file('before')}; ${monitor} & echo $! > ${file('pid')}; fg; stty -a > ${file('after')}`;
  const terminal = spawn('script', ['-q', '-f', '-c', `bash -m -c '${script}'`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise((resolve) => terminal.once('close', resolve));
  // Two pictures: the second is drawn over the first.
  await until('two pictures', () => output.split(HOME).length > 2);
  stop((text) => terminal.stdin.write(text), Number(readFileSync(file('pid'), 'utf8')));
  await ended;
  return { output, before: readFileSync(file('before'), 'utf8'), after: readFileSync(file('after'), 'utf8') };
}

describe('monitor', () => {
  const stops: [string, (keys: (text: string) => void, monitor: number) => void][] = [
    ['q', (keys) => keys('q')],
    ['Ctrl-C', (keys) => keys('\u0003')],
    ['SIGTERM', (_keys, monitor) => process.kill(monitor, 'SIGTERM')],
    ['SIGINT', (_keys, monitor) => process.kill(monitor, 'SIGINT')],
  ];
  test.each(stops)('fits 80x24 and leaves the terminal as it was, ended by %s', async (_how, stop) => {
    const { output, before, after } = await onTerminal(stop);
    const left = output.lastIndexOf(LEAVE);
    expect(output.indexOf(ENTER)).toBeGreaterThanOrEqual(0);
    expect(left).toBeGreaterThan(output.lastIndexOf(HOME));
    expect(after).toBe(before);
    for (const picture of output.slice(output.indexOf(HOME), left).split(HOME).filter(Boolean)) {
      const lines = picture.replaceAll(ESCAPES, '').split(/\r*\n/);
      expect(lines.length).toBeLessThanOrEqual(ROWS);
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(COLUMNS);
      expect(picture).toMatch(/chunk/i);
    }
    // The last state stays to be read, and nobody asked the scan to end.
    expect(output.slice(left)).toMatch(/chunk/i);
    expect(output.slice(left)).toContain('RUNNING');
    expect(scan.child.exitCode).toBeNull();
  });

  test('in a pipe: plain lines, and nothing to draw with', async () => {
    const piped = new Running(place.args('monitor'));
    await until('a line', () => piped.stdout.includes('\n'));
    expect(piped.stdout).not.toContain('\u001b');
    expect(piped.stdout).toMatch(/files\/s, chunks \d+ of \d+/);
    piped.child.kill('SIGTERM');
    await piped.ended;
    expect(spawnSync('kill', ['-0', String(scan.pid)]).status).toBe(0);
    expect((await run(place.args('status', '--json'))).stdout).toContain('"state":"running"');
  });
});
