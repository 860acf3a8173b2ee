import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { Place, runJson } from '../support/cli.js';

interface Check {
  check: string;
  code: string;
  detail: string;
  advice: string;
}

test('preflight names the program that holds the catalog, and says to close it', async () => {
  const place = new Place();
  onTestFinished(() => {
    place.remove();
  });
  mkdirSync(place.tree);
  writeFileSync(join(place.tree, 'file'), 'content');
  await runJson(place.scanArgs(), 0);
  const holder = spawn('sqlite3', [place.catalog], { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => {
    holder.kill('SIGKILL');
  });
  // Whoever takes it out of WAL mode and locks it keeps readers out, too.
  holder.stdin.write("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; SELECT 'held';\n");
  await once(holder.stdout, 'data');
  const { checks } = await runJson(
    ['preflight', place.tree, '--data-dir', place.dataDir, '--engine', 'process'],
    0,
  );
  const check = (checks as Check[]).find((each) => each.check === 'catalog');
  expect(check).toMatchObject({ ok: true, code: 'catalog.locked' });
  expect(check?.detail).toContain('locked by another program');
  expect(check?.advice).toContain(`Close sqlite3, process ${String(holder.pid)}.`);
  expect(check?.advice).not.toContain('deleted');
});
