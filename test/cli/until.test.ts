import { afterAll, expect, test } from 'vitest';
import { checkUntil } from '../../cli/until.js';

const zone = process.env['TZ'];
process.env['TZ'] = 'America/New_York';
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

test.each([
  ['2026-11-23T18:11:02.123Z', '2026-11-23T18:11:02.123Z'],
  ['2026-11-23t18:11:02z', '2026-11-23T18:11:02.000Z'],
  ['2026-11-23 18:11:02.1+01:30', '2026-11-23T16:41:02.100Z'],
  ['2026-11-23T18:11-0500', '2026-11-23T23:11:00.000Z'],
  ['2026-11-23T18:11:02.123456789Z', '2026-11-23T18:11:02.123Z'],
  ['2026-11-23T24:00Z', '2026-11-24T00:00:00.000Z'],
  ['2024-02-29', '2024-02-29T05:00:00.000Z'],
  ['2026-07-01', '2026-07-01T04:00:00.000Z'],
  ['2026-07-01 12:30', '2026-07-01T16:30:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(new Date(checkUntil(text).timeMs ?? 0).toISOString()).toBe(expected);
});

test.each([
  ...['2026-02-29', '2026-02-30T10:00Z', '2026-04-31', '2026-13-01', '2026-00-10', '2026-01-00', '2026-1-1'],
  ...[
    '2026-01-01T24:00:01Z',
    '2026-01-01T25:00',
    '2026-01-01T10:60',
    '2026-01-01T10:00:60Z',
    '2026-01-01T10',
  ],
  ...['2026-01-01T10:00+24:00', '2026-01-01Z', '2026-01', '26-01-01', ' 2026-01-01', '2026-01-01 10:00 PST'],
])('%j is none', (text) => {
  expect(() => checkUntil(text)).toThrow(`--until ${text} makes no sense`);
});

test("a scan's id is one in either case", () => {
  expect(checkUntil('01kara41r028t5cy4gnf6yy4hm')).toEqual({ scan: '01KARA41R028T5CY4GNF6YY4HM' });
});
