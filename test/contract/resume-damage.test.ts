import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Place, runJson } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';
import { listByCatalog, listByFind, readRecords } from '../support/outside.js';

const place = new Place();
const before = join(place.root, 'before');
let scan: string;

interface Batch {
  directories: { path: string; last: boolean }[];
}

/** Directories that one line of a worker's segment lists. */
const listedIn = (line: string): string[] =>
  line.includes('"type":"files.batch"')
    ? (JSON.parse(line) as { data: Batch }).data.directories.map(({ path }) => path)
    : [];

const segment = (): string => {
  const worker = readdirSync(join(place.journal, scan)).find((name) => name.startsWith('worker-')) ?? '';
  return join(place.journal, scan, worker, '0001-0001.ndjson');
};

/** A scan that recorded all, of whose coordinator the last word never came to disk: it can be resumed. */
beforeAll(async () => {
  mkdirSync(place.tree);
  plantManyFiles(place.tree, 300, 20);
  const args = place.scanArgs('--checksum', 'none', '--max-containers', '1');
  scan = String((await runJson(args, 0))['scan']);
  const coordinator = join(place.journal, scan, 'coordinator', '0001-0001.ndjson');
  const text = readFileSync(coordinator, 'utf8');
  const cut = text.indexOf('\n', text.lastIndexOf('"type":"chunk.completed"')) + 1;
  expect(text.slice(cut)).toContain('"type":"scan.completed"');
  writeFileSync(coordinator, text.slice(0, cut));
  cpSync(place.dataDir, before, { recursive: true });
});
beforeEach(() => {
  rmSync(place.dataDir, { recursive: true });
  cpSync(before, place.dataDir, { recursive: true });
});
afterAll(() => {
  place.remove();
});

/** Each case damages a segment, and says which of its lines are gone by that. */
const DAMAGES: [string, (lines: string[]) => { bytes: string | null; gone: string[] }][] = [
  [
    'with a flipped bit',
    (lines) => {
      const at = lines.findLastIndex((line) => listedIn(line).length > 1 && line.includes('file-'));
      const flipped = (lines[at] ?? '').replace('file-', 'gile-'); // f and g are one bit apart
      return {
        bytes: lines.map((line, i) => `${i === at ? flipped : line}\n`).join(''),
        gone: [lines[at] ?? ''],
      };
    },
  ],
  [
    'cut short',
    (lines) => ({
      bytes: lines
        .slice(0, 3)
        .map((line) => `${line}\n`)
        .join(''),
      gone: lines.slice(3),
    }),
  ],
  ['deleted', (lines) => ({ bytes: null, gone: lines })],
];

describe('an unfinished scan, taken up again when a segment of a completed chunk is', () => {
  test.each(DAMAGES)('%s: what was in it is listed again, and nothing else', async (_how, damage) => {
    const lines = readFileSync(segment(), 'utf8').split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(5);
    const { bytes, gone } = damage(lines);
    if (bytes === null) rmSync(segment());
    else writeFileSync(segment(), bytes);
    const lost = gone.flatMap(listedIn);
    expect(lost.length).toBeGreaterThan(0);

    const report = await runJson(place.scanArgs('--checksum', 'none', '--max-containers', '1'), 0);
    expect(report).toMatchObject({ scan, outcome: 'complete', files: 6000, problems: 0 });
    const worker = readdirSync(join(place.journal, scan)).find((name) => name.startsWith('worker-')) ?? '';
    const again = readRecords(place.journal, scan, worker)
      .filter(({ type, epoch }) => type === 'files.batch' && epoch > 1)
      .flatMap(({ data }) => (data as unknown as Batch).directories.map(({ path }) => path));
    expect(again.sort()).toEqual(lost.sort());
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });

  test('sound: nothing is listed again', async () => {
    const report = await runJson(place.scanArgs('--checksum', 'none', '--max-containers', '1'), 0);
    expect(report).toMatchObject({ scan, outcome: 'complete', files: 6000 });
    // The catalog had taken in the last word, which is gone: it is built anew, and that is said.
    const told = readRecords(place.journal, scan).find(({ type }) => type === 'catalog.troubled');
    expect(told?.data['detail']).toMatch(/built anew.*has no record/);
    const workers = readdirSync(join(place.journal, scan)).filter((name) => name.startsWith('worker-'));
    const epochs = workers.flatMap((name) =>
      readRecords(place.journal, scan, name).map(({ epoch }) => epoch),
    );
    expect(new Set(epochs)).toEqual(new Set([1]));
  });
});
