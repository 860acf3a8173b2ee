import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runJson } from '../support/cli.js';
import { HOST, ScanStory } from '../support/craft-scan.js';

let dataDir: string;
let story: ScanStory;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-first-'));
  mkdirSync(join(dataDir, 'journal'));
  story = new ScanStory(join(dataDir, 'journal'), 'process').plan(2).completes(1);
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** How a scan can have stopped without a last word. */
const ENDS: Record<string, () => void> = {
  killed: () => undefined,
  interrupted: () => story.coordinator.append('scan.interrupted', { signal: 'SIGTERM' }).seal(),
  resumed: () => story.coordinator.append('scan.resumed', { reason: 'killed', host: HOST }),
};

/** What can become of the coordinator's bytes. */
const DAMAGES: Record<string, (bytes: Buffer, lines: string[]) => Buffer> = {
  'a bit of the first record': (bytes) => flipped(bytes, 20),
  'a bit of scan.started': (bytes) => flipped(bytes, bytes.indexOf('scan.started')),
  'the first block': (bytes) => bytes.fill(0, 0, 600),
  'every byte': (bytes) => bytes.fill(0),
  'the first two lines': (bytes, lines) =>
    bytes.subarray(Buffer.byteLength(lines.slice(0, 2).join('\n')) + 1),
  'all but the first line': (_, lines) => Buffer.from(`${lines[0] ?? ''}\n`),
};

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

/** The word that each command has for the scan's state. */
async function words(): Promise<unknown[]> {
  const args = ['--data-dir', dataDir];
  const { verdict } = await runJson(['diagnose', '--offline', ...args], 0);
  const { state, scan } = await runJson(['status', ...args], 0);
  expect(scan).toBe(story.scan.id);
  const { scans } = await runJson(['scans', ...args], 0);
  return [verdict, state, ...(scans as { outcome: string }[]).map(({ outcome }) => outcome)];
}

describe.each(Object.keys(ENDS))('a scan that was %s', (end) => {
  test.each(Object.keys(DAMAGES))('and whose coordinator lost %s has one word for that', async (damage) => {
    ENDS[end]?.();
    const file = story.scan.path('coordinator', 1, 1);
    const bytes = readFileSync(file);
    writeFileSync(file, DAMAGES[damage]?.(bytes, bytes.toString().split('\n')) ?? '');
    // Its first word is not its first record.
    const isTold = damage === 'a bit of the first record';
    const word = !isTold ? 'incomplete' : end === 'interrupted' ? end : 'killed';
    expect(await words()).toEqual([word, word, word]);
  });
});

test('a scan that was killed before its first word is killed to every command', async () => {
  rmSync(join(dataDir, 'journal'), { recursive: true });
  mkdirSync(join(dataDir, 'journal'));
  story = new ScanStory(join(dataDir, 'journal'), 'process');
  const file = story.scan.path('coordinator', 1, 1);
  writeFileSync(file, `${readFileSync(file, 'utf8').split('\n', 1).join('')}\n`);
  expect(await words()).toEqual(['killed', 'killed', 'killed']);
});
