import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { oneObject, Place, Running, until } from './cli.js';
import { buildSmallImage, TEST_IMAGE, type TestEngine } from './engine.js';
import { listByCatalog, listByFind } from './outside.js';

/** So little CPU that a worker takes seconds: there is time to be in the middle of. */
export const SLOWLY = ['--cpus', '0.15'];
/** Of each top-level directory; the chunk size of these scans is a little above it. */
const TOP_BYTES = 9_500;
const CHUNK_GB = '0.00001';

export interface Told {
  type: string;
  data: Record<string, unknown>;
}

/** A scan's worth of places, for scans with containers of one engine. */
export class DockerPlace extends Place {
  readonly engine: TestEngine;

  constructor(engine: TestEngine) {
    super();
    this.engine = engine;
    mkdirSync(this.tree, { recursive: true });
  }

  /** Plants directories with small files, each directory just big enough to be a chunk of its own. */
  plant(tops: number, filesEach: number): void {
    const content = 'x'.repeat(Math.floor(TOP_BYTES / filesEach));
    for (let top = 0; top < tops; top++) {
      for (let file = 0; file < filesEach; file++) {
        const folder = join(this.tree, `top-${top}`, `d-${file % 10}`);
        if (file < 10) mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `f-${file}.txt`), content);
      }
    }
  }

  /** Starts a scan in containers; one chunk for each top-level directory. */
  start(...more: string[]): Running {
    return new Running(this.dockerArgs(...more), { env: { DOCKER_HOST: this.engine.host } });
  }

  dockerArgs(...more: string[]): string[] {
    const fixed = ['scan', this.tree, 'Mount', '--data-dir', this.dataDir, '--engine', 'docker', '--json'];
    return [...fixed, '--chunk-size', CHUNK_GB, '--max-containers', '4', ...more];
  }

  /** Any other command on this data directory, with `--json`. */
  async ask(command: string, ...more: string[]): Promise<Record<string, unknown>> {
    const args = [command, ...more, '--data-dir', this.dataDir, '--json'];
    const outcome = await new Running(args, { env: { DOCKER_HOST: this.engine.host } }).ended;
    return oneObject(outcome.stdout);
  }

  /** What the coordinator of the newest scan has journaled so far. */
  told(): Told[] {
    const scan = existsSync(this.journal)
      ? this.scans()
          .filter((name) => !name.startsWith('.'))
          .at(-1)
      : undefined;
    if (scan === undefined) return [];
    const folder = join(this.journal, scan, 'coordinator');
    if (!existsSync(folder)) return [];
    const text = readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Told);
  }

  of(type: string): Record<string, unknown>[] {
    return this.told()
      .filter((event) => event.type === type)
      .map((event) => event.data);
  }

  /** Until workers (not the probe) run; returns their containers' names. */
  async workersRunning(count = 1): Promise<string[]> {
    const running = (): string[] => {
      const gone = new Set(this.of('container.exited').map((data) => data['name']));
      const started = this.of('container.started').filter(
        (data) => data['chunk'] !== 0 && !gone.has(data['name']),
      );
      return started.map((data) => String(data['name']));
    };
    await until(`${count} workers`, () => running().length >= count, 40_000);
    return running();
  }

  /** Containers of this place's scans, whatever their state. */
  async containers(): Promise<string[]> {
    const filter = `label=nas-scanner.data-dir=${this.dataDir}`;
    const out = await this.engine.docker('ps', '-a', '--filter', filter, '--format', '{{.Names}}');
    return out === '' ? [] : out.split('\n');
  }

  async codes(): Promise<string[]> {
    const report = (await this.ask('diagnose')) as { findings: { code: string }[] };
    return report.findings.map((finding) => finding.code);
  }
}

/** Runs before the worker proper and misbehaves as its image says. */
const WRAPPER = join(import.meta.dirname, 'misbehave.mjs');
export type Misbehaviour = 'exit-1' | 'hoard-once';

/** The project's image with a worker that misbehaves; its probe behaves. */
export async function misbehavingImage(engine: TestEngine, how: Misbehaviour): Promise<string> {
  const tag = `nas-scanner-${how}:test`;
  const dockerfile = `FROM ${TEST_IMAGE}\nENV MISBEHAVE=${how}\nCOPY misbehave.mjs /misbehave.mjs\nENTRYPOINT ["node", "/misbehave.mjs"]\n`;
  await buildSmallImage(engine, tag, dockerfile, { 'misbehave.mjs': WRAPPER });
  return tag;
}

/** The scan is complete, its catalog is what `find` lists, and no container is left. */
export async function expectComplete(scan: Running, where: DockerPlace): Promise<void> {
  const { code, stdout, stderr } = await scan.ended;
  expect(code, stderr.slice(-3000)).toBe(0);
  expect(oneObject(stdout)).toMatchObject({ outcome: 'complete', engine: 'docker' });
  expect(listByCatalog(where.catalog)).toEqual(listByFind(where.tree));
  expect(await where.containers()).toEqual([]);
  expect(await where.ask('verify')).toMatchObject({ sound: true });
}
