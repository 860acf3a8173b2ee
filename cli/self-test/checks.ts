import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeEvent } from '../../journal/decode-event.js';
import type { EventData } from '../../journal/events/index.js';
import { ScanReader } from '../../journal/reader.js';
import { recoverScan } from '../../journal/recovery.js';
import { COORDINATOR, listScans, listSegments, segmentPath } from '../../journal/segments.js';
import { openForReading } from '../../projections/open-catalog.js';
import { readStats } from '../../projections/stats.js';
import { freeBytes } from '../../src/health/room.js';
import { probeMount } from '../../src/health/mount.js';
import { HEAVY_FILES, TREE_DIRECTORIES, TREE_FILES, type SelfTestPlace } from './place.js';

/** One thing to prove. `prove` resolves with what it saw, and rejects with what is wrong. */
export interface Check {
  name: string;
  prove(place: SelfTestPlace): Promise<string>;
}

/** The columns former tools rely on, first and in this order. */
const COLUMNS: Record<string, readonly string[]> = {
  files: ['path', 'size', 'mtime', 'checksum', 'mount_point', 'file_type', 'extension', 'scan_time'],
  scan_stats: ['mount_point', 'files_scanned', 'bytes_scanned', 'start_time', 'end_time'],
  scanned_dirs: ['path', 'mount_point', 'scan_time'],
};
const SCAN = ['--engine', 'process', '--max-containers', '2'];
const MOUNT_TIMEOUT_MS = 5000;
/** How long to wait for a scan to be in the middle of its work. */
const WORK_TIMEOUT_MS = 8000;
const LOOK_MS = 50;

function demand(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

async function newestScan(journalDir: string): Promise<string> {
  const scan = (await listScans(journalDir)).at(-1);
  if (scan === undefined) throw new Error('the journal has no scan');
  return scan;
}

function logOf(dataDir: string): string {
  const name = readdirSync(dataDir).find((each) => /^smart_scan_\d{8}_\d{6}.*\.log$/.test(each));
  if (name === undefined) throw new Error('there is no smart_scan_*.log');
  return readFileSync(join(dataDir, name), 'utf8');
}

const scanTree: Check = {
  name: 'scan of a small tree',
  async prove(place) {
    const { code, stderr } = await place.run('sound', 'scan', place.tree, 'Tree', ...SCAN);
    demand(code === 0, `the scan ended with ${code ?? 'a signal'}: ${lastLine(stderr)}`);
    return `${TREE_FILES} files, names that are no UTF-8 among them`;
  },
};

const log: Check = {
  name: 'persistent log',
  prove(place) {
    const text = logOf(place.paths('sound').dataDir);
    demand(/ INFO SMART SCAN COMPLETE$/m.test(text), 'the log does not end with SMART SCAN COMPLETE');
    demand(!/error/i.test(text), 'grep -i error finds something in the log of a sound scan');
    return Promise.resolve(`${text.split('\n').length - 1} lines`);
  },
};

const journal: Check = {
  name: 'journal',
  async prove(place) {
    const { journalDir } = place.paths('sound');
    const report = await recoverScan(journalDir, await newestScan(journalDir));
    demand(report.sound, 'the journal is not sound');
    const open = report.segments.filter((segment) => segment.state !== 'sealed');
    demand(open.length === 0, `${open.length} segments are not sealed`);
    return `${report.records} records in ${report.segments.length} sealed segments`;
  },
};

const catalog: Check = {
  name: 'catalog and its schema',
  prove(place) {
    const { catalog: path } = place.paths('sound');
    const database = openForReading(path);
    try {
      for (const [table, columns] of Object.entries(COLUMNS)) {
        const found = (database.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
        demand(
          columns.every((name, index) => found[index] === name),
          `table ${table} has the columns ${found.join(', ')}`,
        );
      }
    } finally {
      database.close();
    }
    const { files } = readStats(path);
    demand(files === BigInt(TREE_FILES), `the catalog has ${files} files, the tree ${TREE_FILES}`);
    return Promise.resolve(`${files} rows`);
  },
};

const diagnosis: Check = {
  name: 'diagnosis of a sound scan',
  async prove(place) {
    const { verdict, findings, totals } = await place.json('sound', 'diagnose');
    demand(verdict === 'complete', `the verdict is ${String(verdict)}`);
    const grave = (findings as { code: string; severity: string }[]).filter(
      ({ severity }) => severity !== 'info',
    );
    demand(grave.length === 0, `it finds ${grave.map(({ code }) => code).join(', ')}`);
    const { directories } = totals as { directories: number };
    demand(directories === TREE_DIRECTORIES, `it counts ${directories} directories`);
    return 'complete, nothing found';
  },
};

const replay: Check = {
  name: 'catalog made anew from the journal',
  async prove(place) {
    const { catalog: path } = place.paths('sound');
    const before = readStats(path);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    const { code } = await place.run('sound', 'replay');
    demand(code === 0, `replay ended with ${code ?? 'a signal'}`);
    const after = readStats(path);
    demand(after.files === before.files && after.bytes === before.bytes, 'the rows differ');
    return `${after.files} rows again`;
  },
};

const looks: Check = {
  name: 'a look at mount and room',
  async prove(place) {
    const [there, gone, free] = await Promise.all([
      probeMount(place.tree, MOUNT_TIMEOUT_MS),
      probeMount(join(place.root, 'nothing'), MOUNT_TIMEOUT_MS),
      freeBytes(place.root),
    ]);
    demand(there.state === 'ok', `a folder that is there is called ${there.state}`);
    demand(gone.state === 'missing', `a folder that is not there is called ${gone.state}`);
    demand(free !== null && free > 0, 'the free space is not known');
    return 'both are seen';
  },
};

const health: Check = {
  name: 'health checks, and Ctrl-C',
  async prove(place) {
    const { child, ended } = place.start('busy', ...heavyScan(place), '--health-interval', '1');
    const seen = await firstEvent(place.paths('busy').journalDir, 'health.checked');
    child.kill('SIGINT');
    demand(seen.responsive, 'a worker at its work is called unresponsive');
    demand(seen.mountAccessible, 'the mount is called away');
    demand((seen.memoryBytes ?? 0) > 0, "a worker's memory is not known");
    const { code } = await ended;
    demand(code === 130, `a scan stopped by Ctrl-C ended with ${code ?? 'a signal'} instead of 130`);
    const { verdict } = await place.json('busy', 'diagnose');
    demand(verdict === 'interrupted', `a scan stopped by Ctrl-C is called ${String(verdict)}`);
    return 'a busy worker is watched, and stops when told';
  },
};

const errors: Check = {
  name: 'error handling',
  async prove(place) {
    const { code } = await place.run('missing', 'scan', join(place.root, 'nothing'), 'Nothing', ...SCAN);
    demand(code === 1, `a scan of a missing path ended with ${code ?? 'a signal'} instead of 1`);
    const { findings } = await place.json('missing', 'diagnose');
    const [first] = findings as { code: string }[];
    demand(first?.code === 'mount.missing', `it is diagnosed as ${first?.code ?? 'nothing'}`);
    return 'a missing mount is named';
  },
};

const recovery: Check = {
  name: 'kill and recovery',
  async prove(place) {
    const { child, ended } = place.start('killed', ...heavyScan(place));
    await firstEvent(place.paths('killed').journalDir, 'process.started');
    child.kill('SIGKILL');
    await ended;
    const { verdict } = await place.json('killed', 'diagnose');
    demand(verdict === 'killed', `a killed scan is called ${String(verdict)}`);
    rmSync(place.huge);
    const { code, stderr } = await place.run('killed', ...heavyScan(place));
    demand(code === 0, `the scan did not go on (${code ?? 'a signal'}): ${lastLine(stderr)}`);
    const { files } = readStats(place.paths('killed').catalog);
    demand(files === BigInt(HEAVY_FILES), `the catalog has ${files} files instead of ${HEAVY_FILES}`);
    return 'killed, gone on, nothing missing';
  },
};

/** A scan that goes on for as long as it is wanted. */
function heavyScan(place: SelfTestPlace): string[] {
  return ['scan', place.heavy, 'Heavy', ...SCAN, '--checksum', 'full'];
}

/** What the first event of a type says; waits for it. */
async function firstEvent<T extends 'health.checked' | 'process.started'>(
  journalDir: string,
  type: T,
): Promise<EventData<T>> {
  const deadlineMs = Date.now() + WORK_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    for (const scan of await listScans(journalDir)) {
      for await (const records of new ScanReader({ journalDir, scan, hash: false }).batches()) {
        for (const { record } of records) {
          const event = decodeEvent(record);
          if (event?.type === type) return event.data as EventData<T>;
        }
      }
    }
    await sleep(LOOK_MS);
  }
  throw new Error(`the journal has no ${type} after ${WORK_TIMEOUT_MS / 1000} s`);
}

const cutAndDamaged: Check = {
  name: 'records cut off, records damaged',
  async prove(place) {
    const { journalDir } = place.paths('missing');
    const scan = await newestScan(journalDir);
    const segment = (await listSegments(journalDir, scan, COORDINATOR)).at(-1);
    if (segment === undefined) throw new Error('the coordinator has no segment');
    const stateAfter = async (): Promise<string> => {
      const { sound, segments } = await recoverScan(journalDir, scan);
      return `${sound ? 'sound' : 'not sound'}: ${segments.map(({ state }) => state).join(', ')}`;
    };
    const next = { ...segment, epoch: segment.epoch + 1, segment: 1 };
    appendFileSync(segmentPath(journalDir, next), '{"seq":1,"durable":0,"id":"01');
    const cut = await stateAfter();
    demand(cut === 'sound: sealed, torn', `a record cut off by a power cut is read as ${cut}`);
    const path = segmentPath(journalDir, segment);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('hostname')] = 0;
    writeFileSync(path, bytes);
    const damaged = await stateAfter();
    demand(damaged === 'not sound: damaged, torn', `a changed byte is read as ${damaged}`);
    return 'told from each other';
  },
};

/** In this order: later ones use what earlier ones made. */
export const CHECKS: readonly Check[] = [
  scanTree,
  log,
  journal,
  catalog,
  diagnosis,
  replay,
  looks,
  health,
  errors,
  cutAndDamaged,
  recovery,
];
