import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runJson } from '../support/cli.js';
import { DockerPlace } from '../support/docker-scan.js';
import { buildImage } from '../support/engine-image.js';
import { engineAvailable, type TestEngine } from '../support/engine.js';
import { listByCatalog, listByFind } from '../support/outside.js';
import { sharedEngine } from '../support/with-image.js';

const TOPS = 8;
const FOLDERS_EACH = 25;
const FILES_EACH = 250;
const FILES = TOPS * FOLDERS_EACH * FILES_EACH;
/** A little above one top-level directory of files of a few bytes: each is a chunk of its own. */
const OPTIONS = [
  '--engine',
  'docker',
  '--chunk-size',
  '0.00004',
  '--max-containers',
  '4',
  // So little that none is done before the fourth has started.
  '--cpus',
  '0.2',
  '--checksum',
  'none',
];

describe.skipIf(!engineAvailable)('a scan of 50,000 files in 8 chunks, 4 containers at once', () => {
  let daemon: TestEngine;
  let here: DockerPlace;
  let truth: string[];

  beforeAll(async () => {
    daemon = await sharedEngine();
    await buildImage(daemon);
    here = new DockerPlace(daemon);
    // In memory: making and removing so many files on a busy disk takes longer than all the rest.
    expect(spawnSync('mount', ['-t', 'tmpfs', 'none', here.tree]).status).toBe(0);
    for (let folder = 0; folder < TOPS * FOLDERS_EACH; folder++) {
      const path = join(here.tree, `top-${folder % TOPS}`, `folder-${folder}`);
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < FILES_EACH; file++) writeFileSync(join(path, `file-${file}.dat`), 'small');
    }
    truth = listByFind(here.tree);
  }, 180_000);
  afterAll(async () => {
    spawnSync('umount', ['-l', here.tree]);
    here.remove();
    await daemon.stop();
  });

  async function expectAll(report: Record<string, unknown>): Promise<void> {
    expect(report).toMatchObject({ outcome: 'complete', engine: 'docker', files: FILES, problems: 0 });
    const { planned, completed } = report['chunks'] as { planned: number; completed: number };
    expect(planned).toBeGreaterThanOrEqual(TOPS);
    expect(completed).toBe(planned);
    expect(listByCatalog(here.catalog)).toEqual(truth);
    expect(await here.containers()).toEqual([]);
  }

  /** How many workers ran at once at most. */
  function atOnceMax(): number {
    let running = 0;
    let most = 0;
    for (const { type, data } of here.told()) {
      if (data['chunk'] === 0) continue;
      if (type === 'container.started') most = Math.max(most, (running += 1));
      else if (type === 'container.exited') running -= 1;
    }
    return most;
  }

  test('from the host: the catalog is what find lists', async () => {
    const args = ['scan', here.tree, 'Mount', '--data-dir', here.dataDir, ...OPTIONS];
    await expectAll(await runJson(args, 0, { env: { DOCKER_HOST: daemon.host } }));
    expect(atOnceMax()).toBe(4);
  });

  test('from a container that has the socket, the mount and its data directory: the same', async () => {
    const folders = { [here.tree]: `${here.tree}:ro`, [here.dataDir]: '/appdata' };
    const args = ['scan', here.tree, 'Mount', '--data-dir', '/appdata', ...OPTIONS];
    await expectAll(await here.inContainer(folders, ...args));
    expect(atOnceMax()).toBe(4);
  });
});
