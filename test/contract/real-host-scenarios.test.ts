import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AdvisedPlace, type ToldReport } from '../support/advice.js';
import { oneObject, runJson, until } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { plantManyFiles } from '../support/many-files.js';
import { listByCatalog, listByFind, readRecords } from '../support/outside.js';

// Troubles of the host: it goes down, its disk refuses a write, its share is slow. Made for real, or as a process sees them.

vi.setConfig({ testTimeout: 180_000 });

const IN_CI = process.env['CI'] === 'true';
const isRoot = process.getuid?.() === 0;
let place: AdvisedPlace;

beforeEach(() => {
  place = new AdvisedPlace();
});
afterEach(async () => {
  await place.stop();
  place.remove();
});

/** A scan and its worker that were killed at their work, as all on a host is when it goes down. */
async function allDownInTheMiddle(): Promise<void> {
  plantManyFiles(place.tree, 150, 20);
  const scan = place.begin();
  process.kill(await scan.firstWorker(), 'SIGKILL');
  scan.child.kill('SIGKILL');
  await scan.ended;
}

/** What commands go before to run on this host as it is after another boot, a moment ago. */
function afterAnotherBoot(): string {
  const files = {
    '/proc/sys/kernel/random/boot_id': '6f1b5a4e-0000-4000-8000-000000000001\n',
    '/proc/uptime': '0.10 0.10\n',
  };
  const lines = Object.entries(files).map(([path, text], i) => {
    const file = join(place.root, `boot-${i}`);
    writeFileSync(file, text);
    return `mount --bind ${file} ${path}`;
  });
  const script = join(place.root, 'after-boot.sh');
  writeFileSync(script, `set -e\n${lines.join('\n')}\nexec "$@"\n`);
  return `unshare --mount sh ${script}`;
}

describe.skipIf(!isRoot && !IN_CI)('the host', () => {
  test('host.rebooted: the machine went down in the middle of the scan', async () => {
    await allDownInTheMiddle();
    const as = afterAnotherBoot();
    const shown = await place.paste(`nas-scanner diagnose --json --data-dir ${place.dataDir}`, { as });
    const report = oneObject(shown.stdout) as unknown as ToldReport;
    expect(report.verdict).toBe('killed');
    expect(report.findings.map(({ code, severity }) => [code, severity])[0]).toEqual([
      'host.rebooted',
      'error',
    ]);
    await place.follow(report, { as });
    await place.expectSound();
    const healed = (await place.diagnosed()).findings.find(({ code }) => code === 'host.rebooted');
    expect(healed).toMatchObject({ severity: 'info' });
  });
});

describe('the disk of the journal', () => {
  test('journal.torn: it has a part of what was being written when all went down', async () => {
    await allDownInTheMiddle();
    const [id = ''] = place.scans();
    const last = join(place.journal, id, 'coordinator', '0001-0001.ndjson');
    appendFileSync(last, readFileSync(last, 'utf8').slice(0, 200));
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'killed', serious: ['scan.killed'] });
    expect(report.findings[0]?.explains).toContain('journal.torn');
    await place.follow(report);
    await place.expectSound();
    expect(await runJson(place.args('verify'), 0)).toMatchObject({ sound: true });
    await runJson(place.args('repair'), 0);
    const { segments } = await runJson(place.args('verify'), 0);
    expect((segments as { state: string }[]).filter(({ state }) => state === 'torn')).toEqual([]);
  });

  test('journal.write-failed: it refuses a write, and what was not acknowledged is written again', async () => {
    plantManyFiles(place.tree, 150, 20);
    const scan = place.begin();
    const worker = await scan.firstWorker();
    const segment = (): string =>
      join(place.journal, place.scans()[0] ?? '', 'worker-0001', '0001-0001.ndjson');
    const bytes = (): number => statSync(segment(), { throwIfNoEntry: false })?.size ?? 0;
    await until('the first records', () => bytes() > 0);
    process.kill(worker, 'SIGSTOP');
    // The kernel lets a process write no file beyond this: a part of the next record, then EFBIG.
    const limit = (text: string): number | null =>
      spawnSync('prlimit', ['--pid', String(worker), `--fsize=${text}`]).status;
    // Room for the first word of each epoch that follows, and for no batch.
    expect(limit(`${bytes() + 1000}:unlimited`)).toBe(0);
    process.kill(worker, 'SIGCONT');
    await until(
      'the next epoch',
      () => statSync(segment().replace('0001-0001', '0002-0001'), { throwIfNoEntry: false }) !== undefined,
    );
    limit('unlimited');
    const { code, stderr } = await scan.ended;
    expect(code, stderr).toBe(0);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'complete', serious: [] });
    expect(report.findings.map((finding) => finding.code)).toContain('journal.write-failed');
  });
});

describe.runIf(canMountFuse || IN_CI)('a share that is slow', () => {
  test('analysis.timed-out: measuring takes too long, and costs no file', async () => {
    const source = join(place.root, 'source');
    plantManyFiles(source, 10, 5);
    mkdirSync(join(source, 'asleep'));
    writeFileSync(join(source, 'asleep', 'file'), 'x');
    const asleep = join(place.root, 'while');
    writeFileSync(asleep, '');
    const faults = { LATENCY_MS: '1', LATENCY_HANG: 'asleep', LATENCY_HANG_WHILE: asleep };
    const mount = await LatencyMount.open(source, place.tree, faults);
    try {
      const scan = place.begin('--analysis-timeout', '1');
      await until('the end of its patience', () => {
        const [id] = existsSync(place.journal) ? place.scans() : [];
        const ends =
          id === undefined
            ? []
            : readRecords(place.journal, id).filter(({ type }) => type === 'analysis.finished');
        return ends.some(({ data }) => data['outcome'] === 'timed-out');
      });
      rmSync(asleep);
      const { code, stderr } = await scan.ended;
      expect(code, stderr).toBe(0);
      expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
      const told = await place.diagnosed();
      expect(told).toMatchObject({ verdict: 'complete', serious: [] });
      expect(told.findings.map(({ code, severity }) => [code, severity])).toEqual([
        ['analysis.timed-out', 'info'],
      ]);
      expect(told.findings[0]?.explains).toEqual(['analysis.fallback']);
    } finally {
      mount.close();
    }
  });
});
