import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { AdvisedPlace } from './advice.js';
import { oneObject, Running, until } from './cli.js';
import { buildSmallImage, TEST_IMAGE } from './engine-image.js';
import type { TestEngine } from './engine.js';
import { LatencyMount } from './latency-mount.js';
import { listByCatalog, listByFind } from './outside.js';

/** So little CPU that a worker takes seconds: there is time to be in the middle of. */
export const SLOWLY = ['--cpus', '0.1'];
/** Of each top-level directory; the chunk size of these scans is a little above it. */
const TOP_BYTES = 9_500;
const CHUNK_GB = '0.00001';

export interface Told {
  type: string;
  data: Record<string, unknown>;
}

/** A scan's worth of places, for scans with containers of one engine. */
export class DockerPlace extends AdvisedPlace {
  readonly engine: TestEngine;
  /** As scans and commands find the engine: DOCKER_HOST. */
  host: string;

  constructor(engine: TestEngine) {
    super();
    this.engine = engine;
    this.host = engine.host;
    mkdirSync(this.tree, { recursive: true });
  }

  protected override get shellEnv(): Record<string, string> {
    return { DOCKER_HOST: this.host };
  }

  /** Plants directories with small files, each directory just big enough to be a chunk of its own. */
  plant(tops: number, filesEach: number, tree = this.tree): void {
    const content = 'x'.repeat(Math.floor(TOP_BYTES / filesEach));
    for (let top = 0; top < tops; top++) {
      for (let file = 0; file < filesEach; file++) {
        const folder = join(tree, `top-${top}`, `d-${file % 10}`);
        if (file < 10) mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `f-${file}.txt`), content);
      }
    }
  }

  /** Starts a scan in containers; one chunk for each top-level directory. */
  start(...more: string[]): Running {
    return this.track(new Running(this.dockerArgs(...more), { env: { DOCKER_HOST: this.host } }));
  }

  dockerArgs(...more: string[]): string[] {
    const fixed = ['scan', this.tree, 'Mount', '--data-dir', this.dataDir, '--engine', 'docker', '--json'];
    return [...fixed, '--chunk-size', CHUNK_GB, '--max-containers', '4', ...more];
  }

  /**
   * Runs the scanner itself in a container that has the socket and the folders given (outside to inside), nothing else.
   * Returns its one JSON object.
   */
  async inContainer(folders: Record<string, string>, ...args: string[]): Promise<Record<string, unknown>> {
    const socket = this.engine.host.slice('unix://'.length);
    const volumes = Object.entries({ [socket]: '/var/run/docker.sock', ...folders });
    const mounts = volumes.flatMap(([outside, inside]) => ['-v', `${outside}:${inside}`]);
    const words = ['run', '--rm', '--init', '--network', 'none', ...mounts, TEST_IMAGE, ...args, '--json'];
    // Whatever its exit code is: the object says what happened.
    const out = await this.engine
      .docker(...words)
      .catch((error: unknown) => (error as { stdout: string }).stdout);
    return oneObject(out);
  }

  /** Any other command on this data directory, with `--json`. */
  async ask(command: string, ...more: string[]): Promise<Record<string, unknown>> {
    const args = [command, ...more, '--data-dir', this.dataDir, '--json'];
    const outcome = await new Running(args, { env: { DOCKER_HOST: this.host } }).ended;
    return oneObject(outcome.stdout);
  }

  /** A preflight of the tree with containers. */
  async askPreflight(...more: string[]): Promise<Record<string, unknown>> {
    const args = [
      'preflight',
      this.tree,
      '--data-dir',
      this.dataDir,
      '--engine',
      'docker',
      '--json',
      ...more,
    ];
    return oneObject((await new Running(args, { env: { DOCKER_HOST: this.host } }).ended).stdout);
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
    return readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .sort()
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
      .map((line) => JSON.parse(line) as Told);
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
    return (await this.#findings()).map((finding) => finding.code);
  }

  /** Those that are more than information. */
  async seriousCodes(): Promise<string[]> {
    const serious = (await this.#findings()).filter((finding) => finding.severity !== 'info');
    return serious.map((finding) => finding.code);
  }

  async #findings(): Promise<{ code: string; severity: string }[]> {
    return (await this.ask('diagnose'))['findings'] as { code: string; severity: string }[];
  }
}

/** What holds the workers of a HeldPlace: an operation on a path with this in it waits. */
const HELD = 'held';
/** So many that their records do not fit into what is left of a segment's last block. */
const HELD_FILES = 200;

/**
 * A tree on a FUSE mount that holds each worker in the middle of its chunk, with most of it recorded, until it is let
 * go: no scan is over before its trouble has come, however fast the machine. One chunk for each top-level directory.
 */
export class HeldPlace extends DockerPlace {
  readonly #gate = join(this.root, 'gate');
  #mount: LatencyMount | null = null;
  #tops = 0;

  async hold(tops: number, filesEach: number): Promise<LatencyMount> {
    this.#tops = tops;
    const source = join(this.root, 'source');
    this.plant(tops, filesEach, source);
    for (let top = 0; top < tops; top++) {
      // In a directory of its own: what hangs holds up all that is looked up beside it.
      const folder = join(source, `top-${top}`, 'last', HELD);
      mkdirSync(folder, { recursive: true });
      for (let file = 0; file < HELD_FILES; file++) writeFileSync(join(folder, `file-${file}`), 'x');
    }
    writeFileSync(this.#gate, '');
    this.#mount = await LatencyMount.open(source, this.tree, {
      LATENCY_SOURCE: source,
      LATENCY_MS: '0',
      LATENCY_HANG: `/${HELD}`,
      LATENCY_HANG_WHILE: this.#gate,
    });
    return this.#mount;
  }

  /** Planned without a look inside, where the planner would be held, too. */
  override dockerArgs(...more: string[]): string[] {
    return super.dockerArgs('--fast-start', '--max-containers', String(this.#tops + 1), ...more);
  }

  /** Until the workers of all top-level directories have recorded something and are held. */
  async workersHeld(): Promise<string[]> {
    await until('records', () => this.#writersWith('files.batch') >= this.#tops, 40_000);
    return this.workersRunning(this.#tops);
  }

  /** How many workers have ended their journal in order. */
  writersSealed(): number {
    return this.#writersWith('segment.sealed');
  }

  #writersWith(type: string): number {
    const scan = existsSync(this.journal) ? this.scans().at(-1) : undefined;
    if (scan === undefined) return 0;
    const folder = join(this.journal, scan);
    const writers = readdirSync(folder).filter((name) => name.startsWith('worker-'));
    return writers.filter((writer) =>
      readdirSync(join(folder, writer)).some(
        (name) =>
          name.endsWith('.ndjson') && // and no task
          readFileSync(join(folder, writer, name), 'utf8').includes(`"type":"${type}"`),
      ),
    ).length;
  }

  letGo(): void {
    rmSync(this.#gate, { force: true });
  }

  override remove(): void {
    this.#mount?.close();
    super.remove();
  }
}

/** Runs before the worker proper and misbehaves as its image says. */
const WRAPPER = join(import.meta.dirname, 'misbehave.mjs');
export type Misbehaviour = 'exit-1' | 'hoard' | 'hoard-once';

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
