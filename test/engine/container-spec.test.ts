import { describe, expect, test } from 'vitest';
import {
  containerSpec,
  createBody,
  hidesImage,
  runLine,
  type SpecOptions,
} from '../../src/engine/container-spec.js';
import type { Launch } from '../../src/engine/port.js';
import { shellWord } from '../../src/engine/shell-word.js';

const launch: Launch = {
  scan: '01KARA41R028T5CY4GNF6YY4HM',
  chunk: 3,
  attempt: 2,
  writer: 'worker-0003',
  writerDir: '/data/journal/01KARA41R028T5CY4GNF6YY4HM/worker-0003',
  taskFile: '/data/journal/01KARA41R028T5CY4GNF6YY4HM/worker-0003/task.json',
  mountPath: '/mnt/user/Archive',
  limits: { cpus: 1.5, memoryBytes: 512 * 1024 ** 2 },
};
const options: SpecOptions = {
  image: 'nas-scanner-hp:latest',
  mountSource: '/mnt/user/Archive',
  writerSource: '/mnt/cache/appdata/journal/x/worker-0003',
  dataDirSource: '/mnt/cache/appdata',
  owner: null,
  umask: null,
  abilities: { cpuQuota: true, memoryLimit: true, pidsLimit: true, init: true },
};

describe('the container of a worker', () => {
  test('is named after scan, chunk and attempt', () => {
    expect(containerSpec(launch, options).name).toBe('smart-scan-nf6yy4hm-0003-2');
    expect(containerSpec({ ...launch, chunk: 0 }, options).name).toBe('smart-scan-nf6yy4hm-probe-2');
  });

  test('binds what the host calls it to what the worker calls it', () => {
    const mounts = (createBody(containerSpec(launch, options))['HostConfig'] as { Mounts: unknown }).Mounts;
    expect(mounts).toEqual([
      { Type: 'bind', Source: '/mnt/user/Archive', Target: '/mnt/user/Archive', ReadOnly: true },
      { Type: 'bind', Source: options.writerSource, Target: launch.writerDir, ReadOnly: false },
    ]);
  });

  test('gets shares of the CPU where the kernel has no quota, and no limits the kernel does not know', () => {
    const abilities = { cpuQuota: false, memoryLimit: false, pidsLimit: false, init: false };
    const spec = containerSpec(launch, { ...options, abilities });
    const host = createBody(spec)['HostConfig'];
    expect(host).toMatchObject({ CpuShares: 1536 });
    for (const absent of ['NanoCpus', 'Memory', 'PidsLimit', 'Init']) expect(host).not.toHaveProperty(absent);
    expect(runLine(spec)).toContain('--cpu-shares 1536');
    expect(runLine(spec)).not.toMatch(/--cpus|--memory|--pids-limit|--init/);
  });

  test('never removes itself, on neither way of starting it', () => {
    const spec = containerSpec(launch, options);
    expect(createBody(spec)['HostConfig']).toMatchObject({ AutoRemove: false });
    expect(runLine(spec)).not.toContain('--rm');
  });
});

test.each([
  ['/', true],
  ['/usr', true],
  ['/opt', true],
  ['/usr/share/media', false],
  ['/proc/1', true],
  ['/mnt/user', false],
  ['/home', false],
])('a mount at %s hides the image: %s', (path, hides) => {
  expect(hidesImage(path)).toBe(hides);
});

test.each([
  ['plain-word_1.2', 'plain-word_1.2'],
  ['a b', `'a b'`],
  [`it's`, `'it'\\''s'`],
  ['a\nb', `$'a\\x0ab'`],
  ['', `''`],
])('the shell word of %j is %s', (word, quoted) => {
  expect(shellWord(word)).toBe(quoted);
});
