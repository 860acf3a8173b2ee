import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { oneObject, Place, run, Running, until } from '../support/cli.js';
import { inCi } from '../support/journal-faults.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { checkJournal, listByCatalog, listByFind, readRecords } from '../support/outside.js';

const DIRECTORIES = 30;
const BELOW = 4;
const FILES = 4;

interface Listed {
  path: string;
  last: boolean;
}

let place: Place;
let source: string;
let mount: LatencyMount;

beforeEach(() => {
  place = new Place();
  source = join(place.root, 'source');
  for (let at = 0; at < DIRECTORIES; at += 1) {
    for (let below = 0; below < BELOW; below += 1) {
      const path = join(source, `d${String(at).padStart(2, '0')}/s${below}`);
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < FILES; file += 1) writeFileSync(join(path, `f${file}.jpg`), 'x');
    }
  }
});
afterEach(() => {
  mount.close();
  place.remove();
});

/** The share, slow enough for a signal to come in the middle of it. */
async function mountedSlow(): Promise<void> {
  mount = await LatencyMount.open(source, place.tree, { LATENCY_MS: '25' });
}

/** The share again, in place of what was mounted; nobody stops a scan of it. */
async function mountedAgain(faults: Record<string, string> = {}): Promise<void> {
  mount.close();
  mount = await LatencyMount.open(source, place.tree, { LATENCY_MS: '0', ...faults });
}

const args = (): string[] =>
  place.scanArgs('--checksum', 'none', '--workers', '1', '--fast-start', '--max-containers', '1', '--json');

/** What workers have listed so far, by path relative to the share; false: not to its end. */
function listed(): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const scan of place.scans()) {
    for (let chunk = 1; chunk <= 9; chunk += 1) {
      for (const { type, data } of readRecords(place.journal, scan, `worker-000${chunk}`)) {
        if (type !== 'files.batch') continue;
        for (const { path, last } of data['directories'] as Listed[])
          found.set(path.slice(place.tree.length + 1), last);
      }
    }
  }
  return found;
}

/** Directories that are listed and have subdirectories that are not. */
function halfListed(): string[] {
  const all = listed();
  return [...all.keys()].filter(
    (path) =>
      /^d\d\d$/.test(path) &&
      all.get(path) === true &&
      Array.from({ length: BELOW }, (_, below) => `${path}/s${below}`).some((child) => !all.has(child)),
  );
}

/** Stops a scan at a moment when a directory is listed and not all below it; returns such directories. */
async function stopped(): Promise<string[]> {
  const scan = new Running(args());
  await until('a directory that is half listed', () => {
    try {
      return listed().size > 8 && halfListed().length > 0;
    } catch {
      return false; // there is no journal yet
    }
  });
  scan.child.kill('SIGINT');
  expect((await scan.ended).code).toBe(130);
  const found = halfListed();
  expect(found.length).toBeGreaterThan(0);
  return found;
}

/** Scans (again) to the end; gives the exit code and what diagnosis says. */
async function again(): Promise<{ code: number | null; files: unknown; codes: string[] }> {
  const { code, stdout } = await run(args());
  const report = oneObject((await run(place.args('diagnose', '--json'))).stdout);
  const findings = report['findings'] as { code: string; severity: string }[];
  return {
    code,
    files: oneObject(stdout)['files'],
    codes: findings.filter(({ severity }) => severity !== 'info').map((finding) => finding.code),
  };
}

/** The catalog is what `find` sees, in a replay, too, and the journal is sound. */
async function expectWhole(): Promise<void> {
  const below = (lines: string[], root: string): string[] =>
    lines.map((line) => line.replace(Buffer.from(root).toString('hex'), '')).sort();
  const truth = below(listByFind(source), source);
  expect(below(listByCatalog(place.catalog), place.tree)).toEqual(truth);
  const replayed = join(place.root, 'replayed.db');
  expect((await run(place.args('replay', '--to', replayed))).code).toBe(0);
  expect(below(listByCatalog(replayed), place.tree)).toEqual(truth);
  expect(checkJournal(place.journal).faults).toEqual([]);
}

describe.runIf(canMountFuse || inCi)('a scan that was stopped and is taken up again', () => {
  test('when a directory that it had listed is gone: its absence is recorded, and the scan is complete', async () => {
    await mountedSlow();
    const [gone = ''] = await stopped();
    rmSync(join(source, gone), { recursive: true });
    await mountedAgain();
    expect(await again()).toEqual({ code: 0, files: (DIRECTORIES - 1) * BELOW * FILES, codes: [] });
    await expectWhole();
  });

  test('when a directory that it had listed cannot be read: that explains what lies below it, and the next scan has it', async () => {
    await mountedSlow();
    const [bad = ''] = await stopped();
    await mountedAgain({ LATENCY_EIO: `/${bad}` });
    const { code, codes } = await again();
    expect({ code, codes }).toEqual({ code: 3, codes: ['entries.unreadable'] });
    await mountedAgain();
    expect(await again()).toEqual({ code: 0, files: DIRECTORIES * BELOW * FILES, codes: [] });
    await expectWhole();
  });

  test('when its mount dies in the middle: the next one goes on with what is missing, and is complete', async () => {
    await mountedSlow();
    await stopped();
    const before = listed().size;
    const second = new Running(args());
    await until('some more directories', () => listed().size > before + 8);
    mount.kill();
    expect((await second.ended).code).toBe(4);
    await mountedAgain();
    expect(await again()).toEqual({ code: 0, files: DIRECTORIES * BELOW * FILES, codes: [] });
    expect(place.scans()).toHaveLength(1);
    await expectWhole();
  });
});
