import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place, runJson } from '../support/cli.js';
import { readRecords, type PlainRecord } from '../support/outside.js';

/** The fields that each event has to carry, as the contract lists them. */
const REQUIRED: Record<string, string[]> = {
  'scan.started': ['mountPath', 'mountName', 'engine', 'options', 'host'],
  'preflight.checked': ['check', 'ok', 'detail', 'advice'],
  'analysis.started': ['directory'],
  'analysis.finished': ['directory', 'outcome', 'files', 'bytes', 'seconds'],
  'chunk.planned': ['chunk', 'roots', 'reason', 'estimatedFiles', 'estimatedBytes'],
  'process.requested': ['chunk', 'attempt', 'name', 'image', 'command'],
  'process.started': ['chunk', 'attempt', 'name', 'id'],
  'process.exited': ['chunk', 'attempt', 'name', 'id', 'exitCode', 'oomKilled', 'error', 'logTail'],
  'process.removed': ['name', 'id'],
  'health.checked': [
    'chunk',
    'attempt',
    'responsive',
    'cpuPercent',
    'memoryBytes',
    'memoryLimitBytes',
    'filesRecorded',
    'secondsSinceProgress',
    'mountAccessible',
    'journalFreeBytes',
  ],
  'catalog.opened': ['mode', 'reason'],
  'writer.progressed': ['writer', 'epoch', 'segment', 'bytes', 'seq', 'crc'],
  'chunk.completed': ['chunk', 'attempt', 'files', 'directories', 'bytes', 'problems'],
  'scan.completed': ['outcome', 'files', 'directories', 'bytes', 'problems', 'chunks'],
  'segment.opened': ['format', 'hostname', 'segment', 'previous', 'coordinator'],
  'segment.sealed': ['records', 'bytes', 'sha256'],
  'files.batch': ['chunk', 'attempt', 'columns', 'directories'],
  'chunk.scanned': ['chunk', 'attempt', 'files', 'directories', 'bytes', 'problems'],
};
/** Events that every sound scan by processes has. */
const ALWAYS = Object.keys(REQUIRED).filter((type) => !/^(analysis|health)/.test(type));

const place = new Place();
let scan: string;
let coordinator: PlainRecord[];
const workers = new Map<string, PlainRecord[]>();
const ofType = (type: string): PlainRecord[] => coordinator.filter((record) => record.type === type);

beforeAll(async () => {
  for (let folder = 0; folder < 6; folder++) {
    mkdirSync(join(place.tree, `folder-${folder}/deeper`), { recursive: true });
    for (let file = 0; file < 300; file++)
      writeFileSync(join(place.tree, `folder-${folder}/deeper/f${file}.txt`), 'x');
  }
  writeFileSync(join(place.tree, 'loose'), 'loose');
  chmodSync(place.tree, 0o755);
  scan = String((await runJson(place.scanArgs('--chunk-size', '0.000001'), 0))['scan']);
  coordinator = readRecords(place.journal, scan);
  for (const writer of readdirSync(join(place.journal, scan)))
    if (writer.startsWith('worker-')) workers.set(writer, readRecords(place.journal, scan, writer));
});
afterAll(() => {
  place.remove();
});

describe('the events of a scan', () => {
  test('carry their required fields', () => {
    const all = [...coordinator, ...[...workers.values()].flat()];
    for (const record of all)
      expect(Object.keys(record.data), record.type).toEqual(
        expect.arrayContaining(REQUIRED[record.type] ?? []),
      );
    const seen = new Set(all.map((record) => record.type));
    expect(ALWAYS.filter((type) => !seen.has(type))).toEqual([]);
  });

  test('scan.started tells the host', () => {
    const [started] = ofType('scan.started');
    expect(Object.keys(started?.data['host'] as object)).toEqual(
      expect.arrayContaining(['hostname', 'bootId', 'cpus', 'memoryBytes']),
    );
    expect(started?.data).toMatchObject({ mountPath: place.tree, mountName: 'Mount', engine: 'process' });
  });

  test('every chunk has its own writer, numbered like it', () => {
    const planned = ofType('chunk.planned').map(
      (record) => `worker-${String(record.data['chunk']).padStart(4, '0')}`,
    );
    expect([...workers.keys()].sort()).toEqual(planned.sort());
    expect(planned.length).toBeGreaterThan(1);
  });

  test('the last writer.progressed of a chunk covers its seal and precedes chunk.completed', () => {
    for (const completed of ofType('chunk.completed')) {
      const writer = `worker-${String(completed.data['chunk']).padStart(4, '0')}`;
      const seal = workers.get(writer)?.at(-1);
      expect(seal?.type).toBe('segment.sealed');
      const before = ofType('writer.progressed')
        .filter((record) => record.data['writer'] === writer)
        .at(-1);
      expect(before?.data).toMatchObject({ seq: seal?.seq, epoch: seal?.epoch });
      expect(before?.seq).toBeLessThan(completed.seq);
    }
  });

  test('an attempt is requested, started, exited and removed, in this order; images are null, ids are pids', () => {
    const order = ['requested', 'started', 'exited', 'removed'].map((what) => ofType(`process.${what}`));
    for (const exited of order[2] ?? []) {
      const seqs = order.map(
        (records) => records.find((record) => record.data['name'] === exited.data['name'])?.seq ?? -1,
      );
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      expect(seqs).not.toContain(-1);
      expect(exited.data).toMatchObject({ exitCode: 0, oomKilled: false });
      expect(exited.data['id']).toMatch(/^\d+$/);
    }
    for (const requested of order[0] ?? []) expect(requested.data['image']).toBeNull();
  });

  test('chunks are an exact partition: each directory is listed once', () => {
    const paths = [...workers.values()]
      .flat()
      .flatMap((record) =>
        record.type === 'files.batch'
          ? (record.data['directories'] as { path: string; last: boolean }[])
          : [],
      );
    const listed = paths.filter((directory) => directory.last).map((directory) => directory.path);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.length).toBe(13);
  });

  test('the records of files.batch stay near 64 KiB and columns name their cells', () => {
    for (const record of [...workers.values()].flat().filter((each) => each.type === 'files.batch')) {
      expect(JSON.stringify(record.data).length).toBeLessThan(80 * 1024);
      expect((record.data['columns'] as string[]).slice(0, 3)).toEqual(['name', 'size', 'mtimeNs']);
    }
  });
});
