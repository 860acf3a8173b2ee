import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnsOf, cutEnd, cutMiddle, cutStart, padEnd, padStart } from '../../cli/columns.js';
import { table } from '../../cli/table.js';

const letters = fc.constantFrom(
  'a',
  'Z',
  ' ',
  '/',
  'é',
  'e\u0301',
  '写',
  '真',
  'ｱ',
  '가',
  '😀',
  '👨‍👩‍👧',
  '❤️',
  '🇯🇵',
  'ไม้',
  '…',
  '한',
);
const texts = fc.array(letters, { maxLength: 40 }).map((all) => all.join(''));

describe('a text on a terminal', () => {
  test.each([
    ['', 0],
    ['plain', 5],
    ['Grüße', 5],
    ['e\u0301', 1],
    ['写真', 4],
    ['가나', 4],
    ['ｱｲ', 2],
    ['😀', 2],
    ['👨‍👩‍👧', 2],
    ['❤️', 2],
    ['🇯🇵', 2],
    ['夏 2024.jpg', 11],
  ])('%j takes %i columns', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });

  test('that is cut has no more columns than it may, and stays whole where it fits', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 60 }), (text, columns) => {
        for (const cut of [cutEnd, cutStart, cutMiddle]) {
          const shown = cut(text, columns);
          expect(columnsOf(shown)).toBeLessThanOrEqual(columns);
          if (columnsOf(text) <= columns) expect(shown).toBe(text);
          // At most one letter of two columns has found no room.
          else expect(columnsOf(shown)).toBeGreaterThanOrEqual(columns - (cut === cutMiddle ? 2 : 1));
        }
        expect(text.startsWith(cutEnd(text, columns).replace(/…$/, ''))).toBe(true);
        expect(text.endsWith(cutStart(text, columns).replace(/^…/, ''))).toBe(true);
      }),
    );
  });

  test('is padded to the columns asked for', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 100 }), (text, columns) => {
        for (const pad of [padEnd, padStart])
          expect(columnsOf(pad(text, columns))).toBe(Math.max(columns, columnsOf(text)));
      }),
    );
  });
});

test('the columns of a table stand below each other, whatever its names are', () => {
  const lines = table(
    ['share', 'files'],
    [
      ['写真と動画のアーカイブ', '12'],
      ['Archive', '7'],
      ['👨‍👩‍👧', '100'],
    ],
    24,
  );
  expect(lines.split('\n').filter(Boolean).map(columnsOf)).toEqual([24, 24, 24, 24]);
});
