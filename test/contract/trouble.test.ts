import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place, Running, runJson, until } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';
import { listByCatalog, listByFind } from '../support/outside.js';

const isRoot = process.getuid?.() === 0;
let place: Place;
let mounted: string[];

beforeEach(() => {
  place = new Place();
  mounted = [];
  mkdirSync(place.tree);
  mkdirSync(place.dataDir);
});
afterEach(() => {
  for (const path of mounted) spawnSync('umount', ['-l', path]);
  place.remove();
});

function mount(target: string, ...args: string[]): void {
  const done = spawnSync('mount', [...args, target], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  mounted.push(target);
}

async function findings(): Promise<{ code: string; severity: string }[]> {
  return (await runJson(place.args('diagnose', '--offline'), 0))['findings'] as {
    code: string;
    severity: string;
  }[];
}

const codes = async (): Promise<string[]> => (await findings()).map((finding) => finding.code);

describe('trouble with the catalog costs the scan nothing', () => {
  test('garbage in its place: it is built again from the journal', async () => {
    plantManyFiles(place.tree, 10, 5);
    await runJson(place.scanArgs('--checksum', 'none'), 0);
    writeFileSync(place.catalog, Buffer.alloc(100_000, 'garbage'));
    for (const name of readdirSync(place.dataDir).filter((each) => /-(?:wal|shm|journal)$/.test(each)))
      rmSync(join(place.dataDir, name));
    await runJson(place.scanArgs('--checksum', 'none'), 0);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });

  test('deleted while the scan runs: it is complete afterwards, or behind and replayed', async () => {
    plantManyFiles(place.tree, 300, 20);
    const running = new Running(place.scanArgs('--checksum', 'full', '--json'));
    await until('the catalog', () => existsSync(place.catalog));
    for (const name of readdirSync(place.dataDir).filter((each) => each.startsWith('smart_catalog.db')))
      rmSync(join(place.dataDir, name), { force: true });
    const outcome = await running.ended;
    expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: 'complete' });
    expect([0, 1]).toContain(outcome.code);
    if (outcome.code === 1) await runJson(place.args('replay'), 0);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });
});

describe.skipIf(!isRoot)('a mount that goes away', () => {
  test('before the scan: what was catalogued stays', async () => {
    const source = join(place.root, 'source');
    mkdirSync(source);
    plantManyFiles(source, 10, 5);
    mount(place.tree, '--bind', source);
    await runJson(place.scanArgs(), 0);
    spawnSync('umount', [place.tree]);
    rmSync(place.tree, { recursive: true });
    const report = await runJson(place.scanArgs(), 1);
    expect(report['outcome']).toBe('incomplete');
    expect(listByCatalog(place.catalog).length).toBe(50);
    expect(await codes()).toContain('mount.missing');
  });
});
