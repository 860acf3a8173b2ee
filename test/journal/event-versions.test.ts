import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../journal/decode-event.js';
import { EVENT_VERSIONS } from '../../journal/event-versions.js';
import { eventSchemas, type EventType } from '../../journal/events/index.js';
import { UPCASTERS, upcast } from '../../journal/events/upcast.js';
import { decodeLine, type RawRecord } from '../../journal/record.js';
import { recoverScan } from '../../journal/recovery.js';

/** Segments as released versions wrote them. Their bytes never change; a new version of an event adds some. */
const FIXTURES = join(import.meta.dirname, '../fixtures');
const GOLDEN = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name.startsWith('golden-'))
  .map(({ name }) => join(FIXTURES, name, 'journal'));

const types = Object.keys(EVENT_VERSIONS) as EventType[];

function goldenRecords(): RawRecord[] {
  return GOLDEN.flatMap((journalDir) =>
    readdirSync(journalDir, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ndjson'))
      .flatMap((file) => readFileSync(join(journalDir, file), 'utf8').split('\n'))
      .map((line) => decodeLine(Buffer.from(line)))
      .flatMap((decoded) => (decoded.ok ? [decoded.record] : [])),
  );
}

describe('golden segments', () => {
  test('hold every version of every event that was ever released', () => {
    const held = new Set(goldenRecords().map(({ type, v }) => `${type} v${v}`));
    const released = types.flatMap((type) =>
      Array.from({ length: EVENT_VERSIONS[type] }, (_, i) => `${type} v${i + 1}`),
    );
    expect(released.filter((each) => !held.has(each))).toEqual([]);
  });

  test('are what they were when they were written', async () => {
    for (const journalDir of GOLDEN) {
      for (const scan of readdirSync(journalDir)) {
        const report = await recoverScan(journalDir, scan);
        expect(report).toMatchObject({ sound: true, unknownTypes: {}, newerVersions: {} });
      }
    }
  });

  test('are read as the events of today', () => {
    for (const record of goldenRecords()) {
      const event = decodeEvent(record);
      expect(event?.type).toBe(record.type);
      const checked = eventSchemas[record.type as EventType].safeParse(event?.data);
      expect(checked.error?.message, `${record.type} v${record.v}`).toBeUndefined();
    }
  });
});

describe('versions', () => {
  test('each one but the first has its upcaster, and no upcaster leads nowhere', () => {
    const steps = Object.fromEntries(types.map((type) => [type, 1 + (UPCASTERS[type] ?? []).length]));
    expect(steps).toEqual(EVENT_VERSIONS);
    expect(Object.keys(eventSchemas).sort()).toEqual([...types].sort());
  });

  test('a payload is raised from the version it has, one step after the other', () => {
    const steps = { 'scan.paused': [(data: unknown) => [data, 2], (data: unknown) => [data, 3]] };
    expect(upcast('scan.paused', 1, 'one', steps)).toEqual([['one', 2], 3]);
    expect(upcast('scan.paused', 2, 'two', steps)).toEqual(['two', 3]);
    expect(upcast('scan.paused', 3, 'three', steps)).toBe('three');
    expect(upcast('scan.continued', 1, 'other', steps)).toBe('other');
  });
});
