import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { PATH, type TestEngine } from './engine.js';
import { onceForAll } from './once.js';

const run = promisify(execFile);
const PROJECT = resolve(import.meta.dirname, '../..');
export const TEST_IMAGE = 'nas-scanner-hp:latest';
const BASE_IMAGE = `nas-scanner-test-base:${process.version}`;
/** Says of which build a test image is: one that is there already need not be built again. */
const BUILD_LABEL = 'nas-scanner.test-build';
/** Programs of the base image besides node; the last ones for people and for tests that misbehave on purpose. */
const BASE_PROGRAMS = [
  '/bin/sh',
  '/usr/bin/env',
  '/bin/echo',
  '/bin/sleep',
  '/bin/cat',
  '/bin/ls',
  '/usr/bin/find',
];

/** Two files of three are there to be compiled or read: each image would take as much longer to build. */
const NOT_RUN = /\.(?:[cm]?ts|map|md|c|cpp|h|yml)$/;

/** Copies a program and the libraries it needs into a folder that becomes an image. */
async function copyProgram(program: string, target: string, as = program): Promise<void> {
  await mkdir(dirname(join(target, as)), { recursive: true });
  await cp(program, join(target, as), { dereference: true });
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  for (const match of stdout.matchAll(/(\/\S+)\s+\(0x/g)) {
    const library = match[1] ?? '';
    await mkdir(dirname(join(target, library)), { recursive: true });
    await cp(library, join(target, library), { dereference: true });
  }
}

/** For an engine, by where it listens: the name of what is done once for it. */
const once = (what: string, { host }: TestEngine): string => `${what}-${host.replaceAll(/\W/g, '-')}`;

/** Imports a base image made of this machine's node and a few programs; no registry is asked. */
export async function importBaseImage(engine: TestEngine): Promise<string> {
  await onceForAll(once('base', engine), async () => {
    if (!(await hasImage(engine, BASE_IMAGE))) await importBase(engine);
  });
  return BASE_IMAGE;
}

async function importBase(engine: TestEngine): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nas-scanner-base-'));
  try {
    await copyProgram(process.execPath, folder, '/usr/local/bin/node');
    for (const program of BASE_PROGRAMS) if (existsSync(program)) await copyProgram(program, folder);
    // The native parts of the catalog and the digests need these, which node itself may not.
    for (const library of ['libstdc++.so.6', 'libgcc_s.so.1', 'libm.so.6', 'librt.so.1'])
      await copyLibrary(library, folder);
    await mkdir(join(folder, 'tmp'), { recursive: true });
    await pipe(['tar', '-C', folder, '-c', '.'], ['docker', 'import', '-', BASE_IMAGE], engine);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hasImage(engine: TestEngine, name: string, build?: string): Promise<boolean> {
  const format = `{{index .Config.Labels "${BUILD_LABEL}"}}`;
  return engine
    .docker('image', 'inspect', '--format', build === undefined ? '{{.Id}}' : format, name)
    .then((found) => build === undefined || found === build)
    .catch(() => false);
}

/** A small image from a Dockerfile's text and files beside it. */
export async function buildSmallImage(
  engine: TestEngine,
  tag: string,
  dockerfile: string,
  files: Record<string, string>,
): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'nas-scanner-context-'));
  try {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    for (const [name, source] of Object.entries(files)) await cp(source, join(context, name));
    await pipe(
      ['tar', '-C', context, '-c', '.'],
      ['docker', 'build', '--network', 'none', '-t', tag, '-'],
      engine,
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function copyLibrary(name: string, target: string): Promise<void> {
  const { stdout } = await run('ldconfig', ['-p'], { env: { ...process.env, PATH } });
  const path = new RegExp(`^\\s*${name.replaceAll('+', '\\+')} .*=> (/\\S+)$`, 'm').exec(stdout)?.[1];
  if (path === undefined) return;
  await mkdir(dirname(join(target, path)), { recursive: true });
  await cp(path, join(target, path), { dereference: true });
}

/** Builds the project's own Dockerfile on that base, from `dist` and the production packages. */
export async function buildImage(engine: TestEngine): Promise<void> {
  await onceForAll(once('image', engine), async () => {
    const build = await fingerprint(join(PROJECT, 'dist'));
    if (!(await hasImage(engine, TEST_IMAGE, build))) await buildProject(engine, build);
  });
}

async function buildProject(engine: TestEngine, build: string): Promise<void> {
  const base = await importBaseImage(engine);
  await pipe(
    ['tar', '-C', await builtCheckout(base), '-c', '.'],
    ['docker', 'build', '--network', 'none', '--label', `${BUILD_LABEL}=${build}`, '-t', TEST_IMAGE, '-'],
    engine,
  );
}

/**
 * A folder with what the Dockerfile copies, and with itself on that base: a checkout that is built. Made once for the
 * whole run, nobody may change it.
 */
export async function builtCheckout(base: string): Promise<string> {
  const folder = join(inject('built'), 'checkout');
  await onceForAll('checkout', async () => {
    await mkdir(folder);
    await gatherCheckout(folder, base);
  });
  return folder;
}

async function gatherCheckout(folder: string, base: string): Promise<void> {
  const dockerfile = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8');
  await writeFile(
    join(folder, 'Dockerfile'),
    dockerfile.replace(/^ARG NODE_IMAGE=.*$/m, `ARG NODE_IMAGE=${base}`),
  );
  const filter = (path: string): boolean => !NOT_RUN.test(path);
  for (const path of ['dist', ...productionPackages()])
    await cp(join(PROJECT, path), join(folder, path), { recursive: true, dereference: true, filter });
}

/** Changes whenever a file of the folder does. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = await readdir(folder, { recursive: true });
  for (const name of names.sort()) {
    const { size, mtimeMs } = await stat(join(folder, name));
    hash.update(`${name}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Folders below node_modules that the lock file does not mark as for development only. */
function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true && existsSync(join(PROJECT, path)))
    .map(([path]) => path)
    .filter((path) => path.lastIndexOf('node_modules/') === 0);
}

async function pipe(from: string[], to: string[], engine: TestEngine): Promise<void> {
  const quoted = [from, to].map((words) => words.map((word) => `'${word}'`).join(' ')).join(' | ');
  await run('bash', ['-o', 'pipefail', '-c', quoted], {
    env: { ...process.env, DOCKER_HOST: engine.host, DOCKER_BUILDKIT: '0' },
    maxBuffer: 64 * 1024 * 1024,
  });
}
