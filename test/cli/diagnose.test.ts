import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diagnosisSchema } from '../../cli/json/diagnose.js';
import { runDiagnose } from '../../cli/diagnose.js';
import { runMonitor } from '../../cli/monitor.js';
import { statusSchema } from '../../cli/json/status.js';
import { runStatus } from '../../cli/status.js';
import { FakeIo } from '../support/fake-io.js';

let root = '';
let dataDir = '';
let emptyDir = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'nas-scanner-diagnose-'));
  dataDir = join(root, 'golden');
  emptyDir = join(root, 'empty');
  cpSync(fileURLToPath(new URL('../fixtures/golden-journal', import.meta.url)), dataDir, { recursive: true });
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function options(more: Record<string, unknown> = {}): Parameters<typeof runDiagnose>[0] {
  return { dataDir, json: false, quiet: false, offline: true, redact: false, ...more };
}

describe('diagnose', () => {
  test('fits 80 columns, commands aside, and a screen', async () => {
    const io = new FakeIo();
    expect(await runDiagnose(options(), io)).toBe(0);
    const lines = io.stdout.split('\n');
    expect(lines.length).toBeLessThan(40);
    const long = lines.filter((line) => line.length > 80 && !line.includes('nas-scanner scan'));
    expect(long).toEqual([]);
    expect(io.stdout).toContain('COMPLETE WITH PROBLEMS');
    expect(io.stdout).toContain('entries.unreadable');
    expect(io.stdout).toContain('worker-0002/0002-0002.ndjson record 5');
    expect(io.stdout).not.toMatch(/\u001b/); // eslint-disable-line no-control-regex -- colours are looked for
  });

  test('--json is what the schema says', async () => {
    const io = new FakeIo(true);
    expect(await runDiagnose(options({ json: true, offline: false }), io)).toBe(0);
    const report = diagnosisSchema.parse(io.object);
    expect(report).toMatchObject({
      verdict: 'complete-with-problems',
      totals: { bytes: '9007199259984002' },
    });
    expect(report.live?.catalog?.state).toBe('missing');
    expect(report.findings.map(({ code }) => code)).toContain('catalog.behind');
  });

  test('--redact leaves no name, in the text as on the page', async () => {
    const io = new FakeIo();
    const html = join(root, 'page.html');
    await runDiagnose(options({ redact: true, html }), io);
    const page = readFileSync(html, 'utf8');
    for (const secret of ['/mnt/user', 'Archive', 'Photos', 'locked']) {
      expect(io.stdout, secret).not.toContain(secret);
      expect(page, secret).not.toContain(secret);
    }
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<script|https?:\/\//);
  });

  test('without any scan the verdict is none, and that is no failure', async () => {
    const io = new FakeIo(true);
    expect(await runDiagnose(options({ dataDir: emptyDir }), io)).toBe(0);
    expect(diagnosisSchema.parse(io.object)).toMatchObject({ scan: null, verdict: 'none', findings: [] });
  });

  test('a scan that is not there is wrong usage', async () => {
    const asked = runDiagnose(options({ scan: '01KARA41R028T5CY4GNF6YY4HN' }), new FakeIo());
    await expect(asked).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('status and monitor', () => {
  const common = { json: false, quiet: false };

  test('status shows the last scan', async () => {
    const io = new FakeIo(true);
    expect(await runStatus({ ...common, dataDir, json: true }, io)).toBe(0);
    expect(statusSchema.parse(io.object)).toMatchObject({
      state: 'complete-with-problems',
      files: 6,
      workers: [],
    });
    const text = new FakeIo();
    await runStatus({ ...common, dataDir }, text);
    expect(text.stdout).toContain('chunks: 2 of 2 complete');
  });

  test('status without any scan', async () => {
    const io = new FakeIo(true);
    expect(await runStatus({ ...common, dataDir: emptyDir }, io)).toBe(0);
    expect(statusSchema.parse(io.object)).toMatchObject({ scan: null, state: 'none' });
  });

  test('monitor has nothing to watch when no scan runs, and says how the last one stands', async () => {
    const io = new FakeIo();
    expect(await runMonitor({ ...common, dataDir }, io)).toBe(0);
    expect(io.stdout).toContain('COMPLETE');
  });
});
