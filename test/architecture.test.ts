import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesBelow, PROJECT, reachable, readModules, type Module } from './support/modules.js';

const modules = readModules();
const all = [...modules.values()];
const folderOf = (path: string): string => path.split('/')[0] ?? '';
const isOurs = (target: string): boolean => modules.has(target);

/** Which top-level folders a folder may import from, besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  journal: [],
  projections: ['journal'],
  src: ['journal'],
  cli: ['journal', 'projections', 'src'],
};

/** The only places where a dependency may be named. */
const DOORS: Record<string, RegExp> = {
  dockerode: /^src\/engine\//,
  'better-sqlite3': /^projections\/database\.ts$/,
  commander: /^cli\//,
  pino: /^cli\//,
  picocolors: /^cli\//,
  'get-east-asian-width': /^cli\/columns\.ts$/,
  'fast-glob': /^cli\/log-files\.ts$/,
  zod: /^journal\/|^cli\//,
  ulid: /^journal\//,
  '@napi-rs/blake-hash': /^src\/hash\//,
};

/** Packages that a worker must not wait for at its start: each costs more than reading a directory. */
const TOO_HEAVY_FOR_WORKERS = ['zod', 'pino', 'dockerode', 'better-sqlite3', 'commander'];

const LINES_MAX = 300;

function violations(check: (module: Module, target: string) => boolean): string[] {
  return all.flatMap((module) =>
    module.imports
      .filter((each) => check(module, each.target))
      .map((each) => `${module.path} imports ${each.target}`),
  );
}

describe('import directions', () => {
  test('every relative import leads to a file of ours', () => {
    expect(
      violations((_module, target) => /\//.test(target) && target.endsWith('.ts') && !isOurs(target)),
    ).toEqual([]);
  });

  test('journal knows nobody, projections and src know the journal, cli knows all', () => {
    const wrong = violations((module, target) => {
      if (!isOurs(target)) return false;
      const [from, to] = [folderOf(module.path), folderOf(target)];
      return from !== to && !(MAY_IMPORT[from] ?? []).includes(to);
    });
    expect(wrong).toEqual([]);
  });

  test('one door per dependency, and no dependency without one', () => {
    const manifest = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(DOORS).sort()).toEqual(Object.keys(manifest.dependencies).sort());
    const wrong = violations((module, target) => {
      if (isOurs(target) || target.startsWith('node:')) return false;
      return DOORS[target]?.test(module.path) !== true;
    });
    expect(wrong).toEqual([]);
  });

  test('no import circles', () => {
    expect(circles()).toEqual([]);
  });

  test('no circles of folders within src either, of types too', () => {
    const below = new Map<string, Set<string>>();
    for (const { path, imports } of all) {
      const from = folderInSrc(path);
      const to = imports.map(({ target }) => folderInSrc(target));
      if (from !== null)
        below.set(from, new Set([...(below.get(from) ?? []), ...to.filter((each) => each !== null)]));
    }
    const reached = (from: string, seen = new Set<string>()): Set<string> => {
      for (const to of below.get(from) ?? []) if (to !== from && !seen.has(to)) reached(to, seen.add(to));
      return seen;
    };
    const meets = (folder: string): boolean =>
      [...(below.get(folder) ?? [])].some((to) => to !== folder && reached(to).has(folder));
    expect([...below.keys()].filter(meets)).toEqual([]);
  });

  test('a worker starts without what only its coordinator needs', () => {
    const loaded = reachable(modules, ['src/worker/main.ts'], ['static']);
    expect(TOO_HEAVY_FOR_WORKERS.filter((name) => loaded.has(name))).toEqual([]);
  });

  test('every process that the scanner starts has the environment of a child', () => {
    const starters = all.filter(
      ({ path, text }) =>
        path.startsWith('src/') && /\b(fork|spawn)\((new URL|program|process\.execPath)/.test(text),
    );
    expect(starters.map(({ path }) => path).length).toBeGreaterThan(0);
    expect(starters.filter(({ text }) => !text.includes('env: childEnvironment('))).toEqual([]);
  });

  test('a command loads no other command', () => {
    const loaded = reachable(modules, ['cli/main.ts'], ['static']);
    expect(['dockerode', 'better-sqlite3', 'pino', 'zod'].filter((name) => loaded.has(name))).toEqual([]);
  });

  test('the schemas of what is printed are loaded by the command that shows them, and by no other', () => {
    const loaders = all.filter((module) =>
      module.imports.some(({ target, kind }) => target.startsWith('cli/json/') && kind !== 'type'),
    );
    const outside = loaders.map((module) => module.path).filter((path) => !path.startsWith('cli/json/'));
    expect(outside).toEqual(['cli/schema.ts']);
  });
});

describe('tidiness', () => {
  test('what Node is started with is bundled, but for what stands alone', () => {
    const config = readFileSync(join(PROJECT, 'rolldown.config.js'), 'utf8');
    const bundled = [...config.matchAll(/^ {2}'([\w/-]+)',$/gm)].map((match) => `${match[1] ?? ''}.ts`);
    const started = all.flatMap(({ imports }) => imports.filter((each) => each.isProgram));
    const alone = programs().filter((path) => modules.get(path)?.imports.length === 0);
    expect([...bundled, ...alone].sort()).toEqual(
      [...new Set([...programs(), ...started.map(({ target }) => target)])].sort(),
    );
  });

  test('no dead files: everything is reached from the programs that the package or the image names', () => {
    const live = reachable(modules, programs(), ['static', 'later', 'type']);
    expect(all.map((module) => module.path).filter((path) => !live.has(path))).toEqual([]);
  });

  test('what is exported is used elsewhere, be it by a test', () => {
    const tests = filesBelow('test', '.ts').map((path) => readFileSync(join(PROJECT, path), 'utf8'));
    const files = new Map<string, number>();
    for (const text of [...all.map((module) => module.text), ...tests])
      for (const word of new Set(text.match(/\w+/g))) files.set(word, (files.get(word) ?? 0) + 1);
    const unused = all.flatMap(({ path, text }) =>
      exportsOf(text)
        .filter((name) => files.get(name) === 1)
        .map((name) => `${path}: ${name}`),
    );
    expect(unused).toEqual([]);
  });

  test('every dependency is used', () => {
    const used = new Set(all.flatMap((module) => module.imports.map((each) => each.target)));
    expect(Object.keys(DOORS).filter((name) => !used.has(name))).toEqual([]);
  });

  test(`no source file is longer than ${LINES_MAX} lines`, () => {
    const long = all.filter((module) => module.text.split('\n').length - 1 > LINES_MAX);
    expect(long.map((module) => module.path)).toEqual([]);
  });

  test('no test is skipped, singled out or left for later', () => {
    const marked = filesBelow('test', '.ts').filter((path) =>
      /\b(?:it|test|describe)\.(?:skip|only|todo)\b(?!If)/.test(readFileSync(join(PROJECT, path), 'utf8')),
    );
    expect(marked).toEqual([]);
  });
});

/** `src/walk` for what lies in it; null for what lies in no folder of src. */
function folderInSrc(path: string): string | null {
  return /^src\/[^/]+(?=\/)/.exec(path)?.[0] ?? null;
}

/** Names of the values that a file declares and exports; types say what belongs to them, used or not. */
function exportsOf(text: string): string[] {
  const declared = text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm);
  return [...declared].map((match) => match[1] ?? '');
}

/** What is started by name: the package's command and whatever of `dist` the image starts. */
function programs(): string[] {
  const named = ['package.json', 'Dockerfile'].filter((name) => existsSync(join(PROJECT, name)));
  const texts = named.map((name) => readFileSync(join(PROJECT, name), 'utf8'));
  const found = texts.flatMap((text) => [...text.matchAll(/dist\/([\w/-]+)\.js/g)]);
  return [...new Set(found.map((match) => `${match[1] ?? ''}.ts`))];
}

/** Each circle of imports, of types too, as a path that ends where it began. What is loaded on demand closes none. */
function circles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push([...trail.slice(at), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const each of modules.get(path)?.imports ?? []) {
      if (each.kind !== 'later' && isOurs(each.target)) visit(each.target, [...trail, path]);
    }
    done.add(path);
  };
  for (const module of all) visit(module.path, []);
  return found;
}
