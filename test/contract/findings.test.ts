import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { HOST, MOUNT, ScanStory } from '../support/craft-scan.js';
import { checkJournal, sql } from '../support/outside.js';

interface Finding {
  code: string;
  severity: 'info' | 'warning' | 'error';
  title: string;
  count: number;
  evidence: { file: string; seq: number; at: string; text: string }[];
  advice: string[];
}
interface Report {
  verdict: string;
  findings: Finding[];
  serious: string[];
}

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => {
  place.remove();
});

async function diagnose(): Promise<Report> {
  expect(checkJournal(place.journal, { crashed: true }).faults).toEqual([]);
  const report = await runJson(place.args('diagnose', '--offline'), 0);
  const findings = report['findings'] as Finding[];
  for (const finding of findings) {
    expect(finding.title).not.toBe('');
    expect(finding.count).toBeGreaterThan(0);
    expect(finding.evidence.length, finding.code).toBeGreaterThan(0);
    if (finding.severity !== 'info') expect(finding.advice.length, finding.code).toBeGreaterThan(0);
  }
  const serious = findings.filter((finding) => finding.severity !== 'info').map((finding) => finding.code);
  return { verdict: String(report['verdict']), findings, serious };
}

const story = (engine: 'docker' | 'process' = 'docker'): ScanStory => new ScanStory(place.journal, engine);
const codesOf = (report: Report): string[] => report.findings.map((finding) => finding.code);

/** One chunk that fails for good in the way given, beside one that completes. */
function failing(how: (told: ScanStory) => void): ScanStory {
  const told = story().plan(2).completes(1);
  how(told);
  return told.ends('incomplete');
}

describe('a scan without fault', () => {
  test('has no finding', async () => {
    story().plan(3).completes(1).completes(2).completes(3).ends('complete');
    expect(await diagnose()).toMatchObject({ verdict: 'complete', serious: [] });
    expect((await runJson(place.args('verify'), 0))['sound']).toBe(true);
    expect(await runJson(place.args('replay'), 0)).toMatchObject({ files: 6 });
  });
});

test.each(['stopped', 'coordinator-gone'])(
  'a start that was not tried (%s) is no trouble',
  async (reason) => {
    const told = story().plan(1).request(1);
    const detail = 'it was not started';
    told.coordinator.append('container.start-failed', {
      chunk: 1,
      attempt: 1,
      name: 'w-1-1',
      reason,
      detail,
    });
    told.completes(1, 2).ends('complete');
    const { findings } = await diagnose();
    expect(findings).toEqual([]);
    await runJson(place.args('replay'), 0);
    expect(sql(place.catalog, 'SELECT attempt, state FROM attempts')).toBe('1|failed\n2|completed');
  },
);

describe('a chunk that was cut because it kept failing', () => {
  const cut = (): ScanStory => {
    const told = story();
    const roots = ['dir-2', 'dir-3'].map((name) => ({ path: `${MOUNT}/${name}`, scope: 'subtree' }));
    const plan = { chunk: 9, roots, reason: 'sized', estimatedFiles: 4, estimatedBytes: 6 };
    told.coordinator.append('chunk.planned', plan);
    told.dies(9, 1, { exitCode: 137, willRetry: true });
    told.coordinator.append('chunk.split', { chunk: 9, into: [2, 3] });
    return told.plan(3).completes(1).completes(2);
  };

  test('leaves no gap where all its pieces are complete', async () => {
    cut().completes(3).ends('complete');
    expect(await diagnose()).toMatchObject({
      verdict: 'complete',
      serious: [],
    });
    const { chunks } = await runJson(place.args('diagnose', '--offline'), 0);
    expect(chunks).toEqual({ planned: 3, completed: 3, failed: 0 }); // its pieces, in its place
    await runJson(place.args('replay'), 0);
    expect(sql(place.catalog, 'SELECT state FROM chunks ORDER BY chunk')).toBe(
      'completed\ncompleted\ncompleted\nsplit',
    );
  });

  test('is no work left of a scan that stopped', async () => {
    cut();
    const status = await runJson(place.args('status'), 0);
    expect(status).toMatchObject({ chunks: { planned: 3, completed: 2 }, remaining: { files: 2 } });
  });
});

describe('the cause nearest to the root', () => {
  test('eight containers that cannot start for want of the image are one finding', async () => {
    const told = story().plan(8);
    const detail = 'No such image: nas-scanner-hp:latest';
    for (let chunk = 1; chunk <= 8; chunk++) told.startFails(chunk, 1, 'image-missing', detail);
    told.ends('incomplete');
    const report = await diagnose();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['image.missing'] });
    expect(report.findings[0]?.count).toBe(8);
  });

  const cases: [string, (told: ScanStory) => void][] = [
    ['container.oom-killed', (told) => told.dies(2, 1, { exitCode: 137, oomKilled: true })],
    [
      // The kernel may kill what an engine then does not call killed for memory.
      'container.oom-killed',
      (told) => {
        const memory = { memoryBytes: 149_000_000, memoryLimitBytes: 150_000_000 };
        told.dies(2, 1, { exitCode: 137, lastUsage: { at: '', cpuPercent: 1, ...memory } });
      },
    ],
    ['container.killed', (told) => told.dies(2, 1, { exitCode: 137 })],
    [
      'container.failed',
      (told) => told.dies(2, 1, { exitCode: 1, logTail: ['TypeError: x is not a function'] }),
    ],
    [
      'container.start-failed',
      (told) => told.startFails(2, 1, 'start-failed', 'OCI runtime create failed: permission denied'),
    ],
    ['container.start-timeout', (told) => told.startFails(2, 1, 'start-timeout', 'not running after 30 s')],
    [
      'docker.disk-full',
      (told) => told.startFails(2, 1, 'disk-full', 'write /var/lib/docker/tmp: no space left on device'),
    ],
  ];
  test.each(cases)('%s', async (code, how) => {
    failing((told) => how(told));
    const report = await diagnose();
    expect(report.verdict).toBe('incomplete');
    expect(report.serious).toEqual([code]);
  });

  test('what is given more than it had gets no more than there is', async () => {
    const told = story().plan(3).completes(1);
    told.memoryLimitBytes = 2 * 2 ** 30; // a fair share, which nobody asked for
    told.dies(2, 1, { exitCode: 137, oomKilled: true });
    told.startFails(3, 1, 'start-timeout', 'not running after 300 s').ends('incomplete');
    const [memory, start] = (await diagnose()).findings.map(({ advice }) => advice.join('\n'));
    expect(memory).toContain('--memory 4096m --max-containers 1'); // of a host with 8 GiB
    expect(start).toContain('--start-timeout 1200 --max-containers 2');
  });

  test('what a retry has healed is info, and the scan is complete', async () => {
    const told = story().plan(2).completes(1);
    told.dies(2, 1, { exitCode: 137, oomKilled: true, willRetry: true });
    told.completes(2, 2).ends('complete');
    const report = await diagnose();
    expect(report).toMatchObject({ verdict: 'complete', serious: [] });
    expect(codesOf(report)).toContain('container.oom-killed');
  });

  test('an interrupted scan', async () => {
    const told = story().plan(2).completes(1);
    told.coordinator.append('scan.interrupted', { signal: 'SIGTERM' }).seal();
    const report = await diagnose();
    expect(report).toMatchObject({ verdict: 'interrupted', serious: ['scan.interrupted'] });
  });

  test('a coordinator that died', async () => {
    story().plan(2).completes(1).start(2);
    const report = await diagnose();
    expect(report.verdict).toBe('killed');
    expect(report.findings[0]?.code).toBe('scan.killed');
  });

  test('a host that went down: the next word comes after another boot', async () => {
    const told = story().plan(2).completes(1).start(2);
    const previous = told.coordinator.reference();
    told.scan.wait(3_600_000);
    told.scan
      .writer('coordinator', 2)
      .open({ previous })
      .append('scan.resumed', { reason: 'unfinished', host: { ...HOST, bootId: 'boot-2' } });
    expect(codesOf(await diagnose())).toContain('host.rebooted');
  });

  test('an engine that was away and came back is info in a complete scan', async () => {
    const told = story().plan(1);
    told.coordinator.append('docker.lost', { detail: 'connect ECONNREFUSED /var/run/docker.sock' });
    told.coordinator.append('docker.regained', { seconds: 21 });
    told.completes(1).ends('complete');
    const report = await diagnose();
    expect(report).toMatchObject({ verdict: 'complete', serious: [] });
    expect(codesOf(report)).toContain('docker.lost');
  });

  test('a stalled worker', async () => {
    const told = story().plan(2).completes(1).start(2);
    told.coordinator.append('stall.detected', {
      chunk: 2,
      attempt: 1,
      secondsSinceProgress: 3700,
      action: 'warn',
    });
    told.coordinator.append('scan.interrupted', { signal: 'SIGINT' }).seal();
    expect(codesOf(await diagnose())).toContain('worker.stalled');
  });

  test('a mount that went away', async () => {
    const told = story().plan(2).completes(1).start(2);
    told.coordinator.append('health.checked', {
      ...{
        chunk: 2,
        attempt: 1,
        responsive: true,
        cpuPercent: 0,
        memoryBytes: 1,
        memoryLimitBytes: 2,
        filesRecorded: 0,
      },
      ...{ secondsSinceProgress: 300, mountAccessible: false, journalFreeBytes: 1e12 },
    });
    told.fail(2, 1, 'the mount is not there any more', false).ends('incomplete');
    expect((await diagnose()).findings[0]?.code).toBe('mount.lost');
  });

  test('analysis that timed out is told, and harmless where its fallback completed', async () => {
    const told = story();
    told.coordinator.append('analysis.finished', {
      directory: `${MOUNT}/big`,
      outcome: 'timed-out',
      files: 0,
      bytes: 0,
      seconds: 1800,
    });
    told.plan(1).completes(1).ends('complete');
    const report = await diagnose();
    expect(report.serious).toEqual([]);
    expect(codesOf(report)).toContain('analysis.timed-out');
  });

  test('no file at all', async () => {
    const told = story();
    told.ends('complete-with-problems');
    expect((await diagnose()).findings[0]?.code).toBe('scan.empty');
  });
});

describe('never calls an incomplete scan complete', () => {
  test('a subdirectory that nobody listed is a gap', async () => {
    story().plan(1).completes(1, 1, { subdirectories: 1 }).ends('complete');
    const report = await diagnose();
    expect(report.verdict).not.toBe('complete');
    expect(report.serious).toContain('coverage.gap');
  });

  test('scan.completed says complete, but a chunk never was', async () => {
    story().plan(2).completes(1).ends('complete');
    expect((await diagnose()).verdict).not.toBe('complete');
  });

  test('a torn coordinator', async () => {
    const told = story().plan(1).completes(1);
    told.coordinator.tear('{"seq":');
    expect((await diagnose()).verdict).toBe('killed');
  });
});

describe('what readers do not know', () => {
  test('an unknown event is kept, counted and skipped', async () => {
    const told = story().plan(1);
    told.coordinator.append('moon.risen', { phase: 'full' });
    told.completes(1).ends('complete');
    expect(await runJson(place.args('replay'), 0)).toMatchObject({ files: 2, skipped: 1 });
    expect((await runJson(place.args('verify'), 0))['sound']).toBe(true);
    expect((await diagnose()).verdict).toBe('complete');
  });

  test('a newer version of a known event stops the projection with a clear word', async () => {
    const told = story().plan(1);
    told.coordinator.append('chunk.planned', { other: true }, 7);
    told.ends('complete');
    const outcome = await run(place.args('replay'));
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/chunk\.planned/);
    expect(outcome.stderr).toMatch(/\b7\b/);
    expect((await runJson(place.args('verify'), 0))['sound']).toBe(true);
  });

  test('files in the journal folder that are none of ours are left alone', async () => {
    const told = story().plan(1).completes(1).ends('complete');
    writeFileSync(`${place.journal}/notes.txt`, 'mine');
    writeFileSync(`${place.journal}/${told.scan.id}/worker-0001/.DS_Store`, 'x');
    expect((await runJson(place.args('verify'), 0))['sound']).toBe(true);
    expect(await runJson(place.args('replay'), 0)).toMatchObject({ files: 2 });
  });
});
