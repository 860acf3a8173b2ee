import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { oneObject, Place, run, runJson, Running, until } from '../support/cli.js';
import { inCi } from '../support/journal-faults.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { listByCatalog, listByFind, readRecords, type PlainRecord } from '../support/outside.js';
import { scratchFolder } from '../support/scratch.js';
import { canFill } from '../support/troubled-place.js';

// A disk that is really full under the journals of workers while their coordinator has nothing to write.

vi.setConfig({ testTimeout: 120_000 });

const WORKERS = 3;
/** Some wait for a worker. */
const CHUNKS = 5;
/** What has this in its path hangs until it is let go. */
const HELD = 'held';
/** So many, and with such names, that their records do not fit into what a worker's reserve gives back. */
const FILES = 500;
/** Below a megabyte the catalog leaves the rest of a disk to the journal. */
const CATALOG_LEAVES_BYTES = 700 * 1024;
const LONG = 'x'.repeat(120);
/** Before this a worker that does not end is killed. */
const STOP_MS_MAX = 7000;

/** A scan whose data directory has a small disk of its own, with workers held in the middle of their chunks. */
class FullDisk {
  readonly place = new Place();
  readonly #gate = join(this.place.root, 'gate');
  #mount: LatencyMount | null = null;
  #scan: Running | null = null;
  readonly #ballast = join(this.place.dataDir, 'ballast');

  constructor(mountDisk: (target: string, image: string) => string[]) {
    mkdirSync(this.place.dataDir);
    const mounted = spawnSync('mount', mountDisk(this.place.dataDir, join(this.place.root, 'image')), {
      encoding: 'utf8',
    });
    expect(mounted.status, mounted.stderr).toBe(0);
  }

  /** Begins a scan, fills the disk to its last byte under its workers, and lets these go on. */
  async fillUnder(...more: string[]): Promise<Running> {
    writeFileSync(this.#gate, '');
    const hang = { LATENCY_HANG: `/${HELD}`, LATENCY_HANG_WHILE: this.#gate };
    this.#mount = await LatencyMount.open(source, this.place.tree, { LATENCY_MS: '0', ...hang });
    const scan = (this.#scan = new Running(this.scanArgs(...more)));
    await until('the workers', () => {
      expect(scan.child.exitCode, scan.stderr).toBeNull();
      const recording = this.writers.filter((writer) => this.of('files.batch', writer).length > 0);
      return recording.length === WORKERS && this.of('plan.finished').length > 0;
    });
    await this.#fill();
    rmSync(this.#gate);
    return scan;
  }

  /** To the last byte, the catalog first: what it gives up when room gets short is taken, too. */
  async #fill(): Promise<void> {
    const ballast = openSync(this.#ballast, 'a');
    try {
      while (this.#availableBytes() > CATALOG_LEAVES_BYTES) writeSync(ballast, Buffer.alloc(64 * 1024));
      await until('the catalog to give up', () => this.of('catalog.troubled').length > 0);
      // What is on disk takes less than was put aside for it while it was in memory only.
      for (let rounds = 0; rounds < 3; rounds += 1) {
        while (writeUntilFull(ballast) > 0) fsyncSync(ballast);
        await sleep(50);
      }
    } finally {
      closeSync(ballast);
    }
  }

  #availableBytes(): number {
    const { bavail, bsize } = statfsSync(this.place.dataDir);
    return bavail * bsize;
  }

  scanArgs(...more: string[]): string[] {
    const workers = ['--max-containers', String(WORKERS)];
    return this.place.scanArgs('--fast-start', ...workers, '--checksum', 'none', '--json', ...more);
  }

  makeRoom(): void {
    rmSync(this.#ballast);
  }

  /** What the coordinator, or another writer, has journaled. */
  of(type: string, writer?: string): PlainRecord[] {
    return readRecords(this.place.journal, this.#id, writer).filter((record) => record.type === type);
  }

  get writers(): string[] {
    const folder = join(this.place.journal, this.#id);
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('worker-')) : [];
  }

  get #id(): string {
    return existsSync(this.place.journal)
      ? (this.place.scans().find((name) => !name.startsWith('.')) ?? '')
      : '';
  }

  get log(): string {
    const name = readdirSync(this.place.dataDir).find((each) => each.endsWith('.log')) ?? '';
    return readFileSync(join(this.place.dataDir, name), 'utf8');
  }

  /** Codes of what is worse than information. */
  async serious(): Promise<string[]> {
    const { findings } = await runJson(this.place.args('diagnose', '--offline'), 0);
    return (findings as { code: string; severity: string }[])
      .filter(({ severity }) => severity !== 'info')
      .map(({ code }) => code);
  }

  async remove(): Promise<void> {
    this.#scan?.child.kill('SIGKILL');
    this.#mount?.close();
    await this.#scan?.ended;
    spawnSync('umount', ['-l', this.place.dataDir]);
    this.place.remove();
  }
}

/** @returns bytes written before there was no room for any more */
function writeUntilFull(file: number): number {
  let bytes = 0;
  for (const blockBytes of [1024 * 1024, 4096, 512]) {
    const block = Buffer.alloc(blockBytes, 1);
    try {
      for (;;) bytes += writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  return bytes;
}

function plant(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let file = 0; file < FILES; file++) writeFileSync(join(folder, `file-${file}-${LONG}.dat`), 'x');
}

/** What all of them scan. */
let source = '';

const DISKS: [string, (target: string, image: string) => string[]][] = [
  ['tmpfs', (target) => ['-t', 'tmpfs', '-o', 'size=72m', 'none', target]],
  [
    'ext4',
    (target, image) => {
      const make = `truncate -s 96M ${image} && mkfs.ext4 -qF ${image}`;
      expect(spawnSync('sh', ['-c', make]).status).toBe(0);
      return ['-o', 'loop', image, target];
    },
  ],
];

describe.skipIf(!(canFill && canMountFuse) && !inCi).each(DISKS)(
  '%s that is full under the workers (skipped where nothing can be mounted)',
  (_name, mountDisk) => {
    let disk: FullDisk;
    beforeAll(() => {
      source = scratchFolder('source');
      for (let top = 0; top < CHUNKS; top++) {
        plant(join(source, `top-${top}`, 'first'));
        plant(join(source, `top-${top}`, 'last', HELD));
      }
    });
    afterAll(() => rmSync(source, { recursive: true }));
    beforeEach(() => {
      disk = new FullDisk(mountDisk);
    });
    afterEach(() => disk.remove());

    test('pauses the scan, which is told while it lasts, and goes on as soon as there is room', async () => {
      const { place } = disk;
      const scan = await disk.fillUnder();
      await until('the log to say it', () => disk.log.includes('SCAN PAUSED'));
      expect(disk.log).toMatch(
        / WARNING SCAN PAUSED: the disk of \S+ is full \(ENOSPC, met by worker-000.*free some room there; the scan waits up to 10 min/,
      );
      expect(await runJson(place.args('status'), 0)).toMatchObject({
        state: 'paused',
        pausedBecause: expect.stringMatching(/is full \(ENOSPC/) as string,
      });
      const { stdout } = await run(place.args('status'));
      expect(stdout).toMatch(/PAUSED\n {2}because the disk of/);
      expect((await runJson(place.args('diagnose', '--offline'), 0))['findings']).toMatchObject([
        { code: 'disk.full', severity: 'warning' },
      ]);
      expect(scan.workers()).toHaveLength(WORKERS);

      disk.makeRoom();
      await until('the log to say that it goes on', () => disk.log.includes('SCAN CONTINUED'));
      const { code, stdout: said, stderr } = await scan.ended;
      expect(code, stderr).toBe(0);
      expect(oneObject(said)).toMatchObject({ outcome: 'complete', problems: 0 });
      expect(disk.of('scan.paused')).toHaveLength(1);
      expect(disk.of('scan.continued')).toHaveLength(1);
      expect(disk.of('chunk.failed')).toEqual([]);
      const paused = disk.writers.filter((writer) => disk.of('writer.paused', writer).length > 0);
      expect(paused).not.toEqual([]);
      for (const writer of paused)
        expect(disk.of('writer.continued', writer)).toHaveLength(disk.of('writer.paused', writer).length);
      expect(await runJson(place.args('verify'), 0)).toMatchObject({ sound: true });
      expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
      const { verdict, findings } = await runJson(place.args('diagnose', '--offline'), 0);
      expect(verdict).toBe('complete');
      expect(findings).toMatchObject([{ code: 'disk.full', severity: 'info' }]);
    });

    test('ends the scan in order where no room comes, and says why; the next run goes on', async () => {
      const { place } = disk;
      const { code, stdout, stderr } = await (await disk.fillUnder('--full-disk-wait', '1')).ended;
      expect([1, 4]).toContain(code);
      expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete' });
      expect(stderr).toMatch(/stayed full: free some room there/);
      expect(disk.of('scan.paused')).toHaveLength(1);
      expect(disk.of('scan.continued')).toEqual([]);
      expect(disk.of('scan.completed')).toHaveLength(1);
      expect(await runJson(place.args('verify'), 0)).toMatchObject({ sound: true });
      expect(await disk.serious()).toEqual(['disk.full']);
      disk.makeRoom();
      const again = await run(disk.scanArgs());
      expect(oneObject(again.stdout), again.stderr).toMatchObject({ outcome: 'complete' });
      expect(disk.of('scan.resumed')).toHaveLength(1);
      expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
      expect(await disk.serious()).toEqual([]);
    });

    test('is not waited for any more once the scan is told to stop', async () => {
      const scan = await disk.fillUnder();
      await until('the pause', () => disk.of('scan.paused').length > 0);
      const toldAtMs = performance.now();
      process.kill(scan.pid, 'SIGINT');
      expect((await scan.ended).code).toBe(130);
      expect(performance.now() - toldAtMs).toBeLessThan(STOP_MS_MAX);
      expect(disk.of('scan.interrupted')).toHaveLength(1);
      expect(disk.of('process.exited').map(({ data }) => data['exitCode'])).not.toContain(137);
      expect(await runJson(disk.place.args('verify'), 0)).toMatchObject({ sound: true });
    });
  },
);
