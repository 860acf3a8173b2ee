import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place } from '../support/cli.js';
import { checkJournal } from '../support/outside.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
let place: Place;
beforeEach(() => {
  place = new Place();
  cpSync(join(import.meta.dirname, '../fixtures/golden-journal'), place.dataDir, { recursive: true });
});
afterEach(() => {
  place.remove();
});

function change(name: string, how: (text: string) => string): void {
  const path = join(place.journal, SCAN, name);
  writeFileSync(path, how(readFileSync(path, 'latin1')), 'latin1');
}

describe('the independent checker', () => {
  test('accepts the golden journal but for its torn tail', () => {
    expect(checkJournal(place.journal, { crashed: true }).faults).toEqual([]);
    const strict = checkJournal(place.journal);
    expect(strict.faults.length).toBe(2);
    expect(strict.faults.every((fault) => fault.includes('worker-0002/0001-0001.ndjson'))).toBe(true);
  });

  const changes: [string, (text: string) => string][] = [
    ['a flipped character', (text) => text.replace('read me.txt', 'reAd me.txt')],
    ['a missing line', (text) => text.replace(/^.*"files\.batch".*\n/m, '')],
    ['a repeated line', (text) => text.replace(/^.*"files\.batch".*\n/m, '$&$&')],
    ['swapped lines', (text) => text.replace(/^(.*"files\.batch".*\n)(.*\n)/m, '$2$1')],
    ['a missing seal', (text) => text.replace(/^.*"segment\.sealed".*\n/m, '')],
    ['bytes after the seal', (text) => `${text}{}`],
    ['a missing opening', (text) => text.replace(/^.*\n/, '')],
  ];
  test.each(changes)('notices %s', (_what, how) => {
    change('worker-0001/0001-0001.ndjson', how);
    const { faults } = checkJournal(place.journal);
    expect(faults.some((fault) => fault.includes('worker-0001') || fault.includes('chunk 1'))).toBe(true);
  });
});
