import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place, Running, run, runJson, until } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';
import { catalogDigest, checkJournal, listByCatalog, listByFind, sql } from '../support/outside.js';

/** Kills per victim; together twenty moments. */
const MOMENTS = 7;
const place = new Place();
let truth: string[];
/** How long an undisturbed scan takes here: moments are spread over it. */
let wholeMs: number;

beforeAll(async () => {
  mkdirSync(place.tree);
  plantManyFiles(place.tree, 120, 10);
  truth = listByFind(place.tree);
  const began = performance.now();
  await runJson(place.scanArgs('--max-containers', '2'), 0);
  wholeMs = performance.now() - began;
});
afterAll(() => {
  place.remove();
});

/** A reproducible pseudo-random number in [0, 1) per seed. */
function fraction(seed: number): number {
  const value = Math.sin(seed * 12.9898) * 43758.5453;
  return value - Math.floor(value);
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Starts afresh, kills the victims after `delayMs`, and returns once the run has ended. */
async function disturbed(victim: string, delayMs: number): Promise<number | null> {
  rmSync(place.dataDir, { recursive: true, force: true });
  const running = new Running(place.scanArgs('--max-containers', '2', '--quiet'));
  await new Promise((resume) => setTimeout(resume, delayMs));
  const workers = running.workers();
  if (victim === 'workers') kill(workers.slice(0, 1));
  else if (victim === 'coordinator') kill([running.pid]);
  else kill([running.pid, ...workers]);
  return (await running.ended).code;
}

describe('killed at a random moment, the same scan started again is complete', () => {
  const moments = Array.from({ length: MOMENTS * 3 - 1 }, (_, index) => index);
  test.each(moments)('moment %i', async (moment) => {
    const victim = ['coordinator', 'workers', 'both'][moment % 3] ?? 'both';
    const code = await disturbed(victim, wholeMs * 1.05 * fraction(moment + 1));
    if (victim === 'workers') expect(code).toBe(0); // the attempt is made again at once
    if (existsSync(place.journal)) expect(checkJournal(place.journal, { crashed: true }).faults).toEqual([]);
    const again = await runJson(place.scanArgs('--max-containers', '2'), 0);
    expect(again).toMatchObject({ outcome: 'complete', files: truth.length, problems: 0 });
    expect(listByCatalog(place.catalog)).toEqual(truth);
    const check = checkJournal(place.journal, { crashed: true });
    expect(check.faults).toEqual([]);
    expect(check.files).toBe(truth.length);
    if (moment % 5 !== 0) return;
    const before = catalogDigest(place.catalog);
    const replay = await run(place.args('replay'));
    expect(replay.code, replay.stderr).toBe(0);
    expect(catalogDigest(place.catalog)).toBe(before);
  });
});

describe('a coordinator that died', () => {
  test('leaves no worker behind, no lock, and a diagnosis', async () => {
    rmSync(place.dataDir, { recursive: true, force: true });
    const running = new Running(place.scanArgs('--max-containers', '2'));
    await until('workers', () => running.workers().length > 0);
    const workers = running.workers();
    kill([running.pid]);
    await running.ended;
    const gone = (pid: number): boolean => !existsSync(`/proc/${pid}`);
    await until('the workers to end by themselves', () => workers.every(gone));
    const diagnosis = await runJson(place.args('diagnose', '--offline'), 0);
    expect(diagnosis['verdict']).toBe('killed');
    expect((diagnosis['findings'] as { code: string }[]).map((finding) => finding.code)).toContain(
      'scan.killed',
    );
    const [scan] = (await runJson(place.args('scans'), 0))['scans'] as Record<string, unknown>[];
    expect(scan?.['outcome']).not.toBe('complete');
    const verify = await runJson(place.args('verify'), 0);
    expect(verify['sound']).toBe(true);
    const again = await runJson(place.scanArgs(), 0);
    expect(again['scan']).toBe(scan?.['scan']);
    const healed = await runJson(place.args('diagnose', '--offline'), 0);
    expect(healed['verdict']).toBe('complete');
    expect(sql(place.catalog, "SELECT count(*) FROM attempts WHERE state = 'running'")).toBe('0');
  });
});
