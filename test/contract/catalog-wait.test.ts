import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run, runJson, until, type Outcome } from '../support/cli.js';
import { hasStrace, inCi } from '../support/journal-faults.js';
import { writeScan } from '../support/made-up-scan.js';
import { catalogDigest, checkJournal, readRecords, sql, type PlainRecord } from '../support/outside.js';
import { TroubledPlace } from '../support/troubled-place.js';

const CALL_MS = 5;
/** Between the catalog and the disk: every call by which SQLite writes waits so long. The journal is written by other calls. */
const SLOW_CATALOG = [
  ...['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null'],
  ...['-e', 'trace=pwrite64', '-e', `inject=pwrite64:delay_exit=${CALL_MS * 1000}`],
];
/** What the end of a scan waits for a catalog that says nothing, ms. */
const SILENCE_MS = 12_000;
/** Four of these rows fill a page, and SQLite writes a page in two calls: that is half as many waits as rows. */
const SLOW_ROWS = (SILENCE_MS / CALL_MS) * 3;
const countTo = (rows: number): string =>
  `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i FROM n`;
const MADE_UP = { mountPath: '/made/up', filesEach: 50, nameLength: 200 };

let place: TroubledPlace;
let prepared: string;

beforeAll(async () => {
  place = new TroubledPlace(3, 5);
  prepared = join(place.root, 'prepared');
  writeScan(place.journal, { scan: '01KARA41R028T5CY4GNF6YY4HM', directories: 1, ...MADE_UP });
  await runJson(place.args('replay'), 0);
  // What a catalog may still lack: 16 MiB of it, each with some hundred pages to write.
  writeScan(place.journal, { scan: '01KARA41R028T5CY4GNF6YY4HN', directories: 1300, ...MADE_UP });
  cpSync(place.dataDir, prepared, { recursive: true });
});
beforeEach(() => {
  rmSync(place.dataDir, { recursive: true, force: true });
  cpSync(prepared, place.dataDir, { recursive: true });
});
afterAll(() => {
  place.remove();
});

const newest = (): string => place.scans().at(-1) ?? '';
const coordinator = (): PlainRecord[] => readRecords(place.journal, newest());
const types = (): string[] => coordinator().map(({ type }) => type);

function log(): string {
  const name = readdirSync(place.dataDir).find((each) => each.endsWith('.log'));
  return readFileSync(join(place.dataDir, name ?? ''), 'utf8');
}

/** From the scan's last word to its end. */
function waitedMs(): number {
  const atOf = (wanted: string): number =>
    Date.parse(String(coordinator().find(({ type }) => type === wanted)?.at));
  return atOf('segment.sealed') - atOf('scan.completed');
}

/** A scan that has said its last word, and waits for the catalog. */
async function waiting(): Promise<Running> {
  const running = new Running(place.scanArgs('--checksum', 'none'), { under: SLOW_CATALOG });
  await until('a word about the wait', () => running.stderr.includes('what is left of the journal'), 60_000);
  return running;
}

async function expectCaughtUp(outcome: Outcome): Promise<void> {
  expect(outcome.code, outcome.stderr).toBe(0);
  const before = catalogDigest(place.catalog);
  await runJson(place.args('replay'), 0);
  expect(catalogDigest(place.catalog)).toBe(before);
}

describe.skipIf(!hasStrace && !inCi)('the end of a scan whose catalog has much to catch up with', () => {
  test('waits as long as the catalog makes progress, and says so once', async () => {
    const outcome = await (await waiting()).ended;
    await expectCaughtUp(outcome);
    expect(waitedMs()).toBeGreaterThan(SILENCE_MS);
    expect(types().filter((type) => type === 'catalog.awaited')).toHaveLength(1);
    expect(types()).not.toContain('catalog.troubled');
    expect(log().match(/INFO DATABASE takes in what is left of the journal/g)).toHaveLength(1);
    const { verdict, findings } = await runJson(place.args('diagnose'), 0);
    expect({ verdict, findings }).toEqual({ verdict: 'complete', findings: [] });
  }, 180_000);

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends the wait at once; the scan stays complete, the next one goes on',
    async (signal, code) => {
      const running = await waiting();
      const rows = (): number => Number(sql(place.catalog, 'SELECT count(*) FROM files'));
      await until('some of it in the catalog', () => rows() > 5_000, 60_000);
      running.child.kill(signal);
      const began = performance.now();
      const { stdout, stderr, code: found } = await running.ended;
      expect(performance.now() - began).toBeLessThan(8_000);
      expect(found, stderr).toBe(code);
      expect(stdout).toMatch(/^Scan \w+ complete\n/);
      expect(stdout.replace(/\s+/g, ' ')).toContain(
        `The catalog is behind the journal (stopped by ${signal}): the next scan brings it up`,
      );
      const after = types().slice(types().indexOf('scan.completed') + 1);
      expect(after).toEqual(['catalog.awaited', 'catalog.troubled', 'segment.sealed']);
      expect(checkJournal(place.journal).faults.filter((fault) => fault.startsWith(newest()))).toEqual([]);
      expect((await runJson(place.args('diagnose', '--offline'), 0))['verdict']).toBe('complete');
      // What was applied is there: the next one does not begin from nothing.
      expect(rows()).toBeGreaterThan(5_000);
      expect(rows()).toBeLessThan(65_000);
      await expectCaughtUp(await run(place.scanArgs('--checksum', 'none')));
      expect(place.scans()).toHaveLength(4);
    },
    180_000,
  );

  test('waits for one long statement at its end, too', async () => {
    await runJson(place.args('replay'), 0);
    // Stands for looking through millions of directories for those that are gone.
    const look = `INSERT INTO pages SELECT zeroblob(4000) FROM (${countTo(SLOW_ROWS)})`;
    const trigger = `CREATE TRIGGER long AFTER UPDATE OF cleared ON scans BEGIN ${look}; END`;
    const made = spawnSync('sqlite3', [place.catalog, `CREATE TABLE pages (content); ${trigger}`], {
      encoding: 'utf8',
    });
    expect(made.stderr).toBe('');
    const outcome = await new Running(place.scanArgs('--checksum', 'none'), {
      under: [...SLOW_CATALOG, '-P', `${place.catalog}-wal`],
    }).ended;
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(waitedMs()).toBeGreaterThan(SILENCE_MS);
    expect(types().filter((type) => type === 'catalog.awaited')).toHaveLength(1);
  }, 180_000);

  test('a scan that is stopped ends within seconds all the same', async () => {
    const running = new Running(place.scanArgs('--checksum', 'none'), { under: SLOW_CATALOG });
    const worker = await running.firstWorker();
    process.kill(worker, 'SIGSTOP'); // it is not over before it is stopped
    const began = performance.now();
    running.child.kill('SIGINT');
    process.kill(worker, 'SIGCONT');
    expect((await running.ended).code).toBe(130);
    expect(performance.now() - began).toBeLessThan(SILENCE_MS + 8_000);
    expect(types()).toContain('scan.interrupted');
    expect(types()).not.toContain('scan.completed');
  }, 180_000);
});
