import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openForBuilding } from '../../projections/open-catalog.js';
import { hasStrace, inCi, straceWith } from '../support/journal-faults.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const DIRECTORIES = 100_000;
/** Of each read of the catalog: a page. The whole table takes some six seconds. */
const READ_DELAY_US = 3_000;
const SOON_MS = 2_000;

/** A thread looks for directories that are gone; once it is at it, the process ends. */
const PROGRAM = `
import { isMainThread, Worker, parentPort, workerData } from 'node:worker_threads';
const [database, facts, removal, paths] = await Promise.all(
  ['database', 'catalog-facts', 'removal', 'path-column'].map((name) => import(process.env.BUILT + name + '.js')),
);
const db = database.openDatabase(process.env.CATALOG);
const all = new removal.Removal(db, new facts.FactTables(db));
parentPort.postMessage('begins');
all.goneDirectories({ scan: '${SCAN}', mount: paths.directoryKey('/m'), mountName: 'M' });
parentPort.postMessage('done');
`;
const MAIN = `
import { Worker } from 'node:worker_threads';
import { writeSync } from 'node:fs';
new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.env.PROGRAM))).on('message', (word) => {
  writeSync(1, word + '\\n');
  setTimeout(() => process.exit(0), word === 'begins' ? 300 : 0);
});
`;

let folder: string;
let catalog: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nas-scanner-removal-'));
  catalog = join(folder, 'catalog.db');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A catalog of very many directories that the scan has met, all of them. */
function plant(): void {
  const database = openForBuilding(catalog);
  database.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${DIRECTORIES})
    INSERT INTO directories (path, seen_scan, listed_scan, subdirectories, mount_point)
      SELECT printf('/m/%0150d', i), '${SCAN}', '${SCAN}', 0, 'M' FROM n;
    COMMIT`);
  database.close();
}

describe.skipIf(!hasStrace && !inCi)(
  'the look for directories that are gone (skipped without strace)',
  () => {
    test('ends with its process soon, however many there are', async () => {
      plant();
      const slow = straceWith(`pread64:delay_enter=${READ_DELAY_US}`, [catalog], 'pread64');
      const [strace = '', ...traced] = slow;
      const command = [process.execPath, '--input-type=module', '-e', MAIN];
      const child = spawn(strace, [...traced, ...command], {
        env: {
          ...process.env,
          PROGRAM,
          CATALOG: catalog,
          BUILT: new URL('../../dist/projections/', import.meta.url).href,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const said: string[] = [];
      let beganMs = 0;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said.push(...text.trim().split('\n'));
        beganMs = performance.now();
      });
      await once(child, 'close');
      expect(said).toEqual(['begins']);
      expect(performance.now() - beganMs).toBeLessThan(SOON_MS);
    });
  },
);
