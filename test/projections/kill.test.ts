import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { replay } from '../../projections/runner.js';
import { JournalOnDisk } from './support/journal-on-disk.js';
import { digestOf } from './support/digest-of.js';

const databaseName = 'catalog.db';
/** `npm run torture` asks for 1,000. */
const KILLS = Number(process.env['NAS_SCANNER_TEST_KILLS'] ?? 20);
/** Kills between two beginnings from nothing: after more, all is done, and there is nothing left to disturb. */
const KILLS_PER_ROUND = 20;
const DIRECTORIES = 700;
const SCANS = ['01KARA41R028T5CY4GNF6YY4HM', '01KARA41R028T5CY4GNF6YY4HN'] as const;
const main = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const follower = new URL('../../dist/projections/follow.js', import.meta.url).href;

let dataDir: string;
let truth: Record<string, string>;
/** A crowded machine may be slow; nothing here waits for time. */
const TIMEOUT_MS = 12_000 * KILLS;

/** Two scans of one mount: the second lacks every fifth file and every seventh directory. */
function write(journal: JournalOnDisk, scan: string, second: boolean): void {
  const tell = (writer: string, type: string, data: object): void => {
    journal.append({ scan, writer, type, data });
  };
  const host = { hostname: 'h', bootId: 'b', cpus: 1, memoryBytes: 1 };
  const started = { mountPath: '/m', mountName: 'm', engine: 'process', options: {}, host };
  tell('coordinator', 'scan.started', started);
  const numbers = Array.from({ length: DIRECTORIES }, (_, i) => i).filter((i) => !second || i % 7 > 0);
  const batch = (path: string, rows: unknown[], subdirectories: number): void => {
    const listed = {
      path,
      part: 1,
      last: true,
      rows,
      problems: [],
      entries: 1,
      subdirectories,
      others: 0,
      excluded: 0,
    };
    tell('worker-0001', 'files.batch', {
      chunk: 1,
      attempt: 1,
      columns: ['name', 'size', 'mtimeNs'],
      directories: [listed],
    });
  };
  batch('/m', [], numbers.length);
  for (const i of numbers) {
    const rows = Array.from({ length: 20 }, (_, f) => [`f${f}`, i * f, '1700000000000000000']);
    batch(`/m/d${i}`, second ? rows.filter((_, f) => f % 5 > 0) : rows, 0);
  }
  tell('worker-0001', 'seal', {});
  const chunks = { planned: 1, completed: 1, failed: 0 };
  tell('coordinator', 'scan.completed', {
    outcome: 'complete',
    files: 1,
    directories: 1,
    bytes: 1,
    problems: 0,
    chunks,
  });
  tell('coordinator', 'seal', {});
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-kill-'));
  const journal = new JournalOnDisk(join(dataDir, 'journal'));
  write(journal, SCANS[0], false);
  write(journal, SCANS[1], true);
  const to = join(dataDir, 'truth.db');
  await replay({ dataDir, databaseName, to });
  truth = digestOf(to);
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** Runs a program and kills it after a while. @returns whether it had ended by itself before */
async function runAndKill(args: string[], afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  return code === 0;
}

const catalog = (): string => join(dataDir, databaseName);
const removeCatalog = (): void => {
  for (const end of ['', '-wal', '-shm', '.building']) rmSync(catalog() + end, { force: true });
};

test(
  'a replay killed at any moment leaves the former catalog or the new one, and the next one is exact',
  async () => {
    removeCatalog();
    await replay({ dataDir, databaseName, scans: [SCANS[0]] });
    const before = digestOf(catalog());
    const args = [main, 'replay', '--data-dir', dataDir, '--db-name', databaseName, '--quiet'];
    const started = performance.now();
    expect(await runAndKill(args, 60_000)).toBe(true);
    const wholeMs = performance.now() - started;
    for (let i = 0; i < KILLS; i += 1) {
      await replay({ dataDir, databaseName, scans: [SCANS[0]] });
      await runAndKill(args, wholeMs * (0.3 + (0.8 * i) / KILLS));
      expect([before, truth]).toContainEqual(digestOf(catalog()));
    }
    expect(await runAndKill(args, 60_000)).toBe(true);
    expect(digestOf(catalog())).toEqual(truth);
    expect(existsSync(`${catalog()}.building`)).toBe(false);
  },
  TIMEOUT_MS,
);

const FOLLOW = `
const { Follow } = await import(process.argv[1]);
const nothing = () => undefined;
const listener = { onOpened: nothing, onTrouble: nothing, onRecovered: nothing, onProgress: nothing };
const follow = new Follow(JSON.parse(process.argv[2]), listener);
const { upToDate } = await follow.drain({ timeoutMs: 60000, patient: true });
await follow.close();
process.exit(upToDate ? 0 : 1);
`;

test(
  'following, killed at any moment and started again, ends with the rows of a replay',
  async () => {
    const argsOf = (scan: string): string[] => [
      '--input-type=module',
      '-e',
      FOLLOW,
      follower,
      JSON.stringify({ dataDir, databaseName, scan }),
    ];
    for (let killed = 0; killed < KILLS; killed += KILLS_PER_ROUND) {
      removeCatalog();
      rmSync(join(dataDir, 'journal'), { recursive: true });
      const journal = new JournalOnDisk(join(dataDir, 'journal'));
      for (const [at, scan] of SCANS.entries()) {
        write(journal, scan, at === 1);
        for (let i = 0; i < KILLS_PER_ROUND / 2; i += 1) {
          // Each round at other moments.
          await runAndKill(argsOf(scan), 120 + 25 * i + ((killed / KILLS_PER_ROUND) % 25));
        }
        expect(await runAndKill(argsOf(scan), 60_000)).toBe(true);
      }
      expect(digestOf(catalog())).toEqual(truth);
    }
  },
  TIMEOUT_MS,
);
