import { describe, expect, test } from 'vitest';
import {
  findOwnContainer,
  HostPaths,
  type InspectedContainer,
  type Surroundings,
} from '../../src/engine/paths.js';

const ID = 'ab'.repeat(32);
const inside: InspectedContainer = {
  id: ID,
  running: true,
  mounts: [
    { type: 'bind', source: '/mnt/user', destination: '/mnt' },
    { type: 'bind', source: '/mnt/cache/appdata/scanner', destination: '/data' },
    { type: 'bind', source: '/srv/deep', destination: '/mnt/deep' },
    { type: 'tmpfs', source: '', destination: '/scratch' },
  ],
};
const host: Surroundings = { env: {}, hostname: 'tower', mountinfo: '', cgroup: '0::/', marked: false };

function mountinfo(...points: [string, string][]): string {
  return points
    .map(([root, point], index) => `${index} 1 8:1 ${root} ${point} rw - ext4 /dev/sda rw`)
    .join('\n');
}

describe('translation', () => {
  test('the closest mount counts', () => {
    const paths = new HostPaths([], inside);
    expect(paths.toHost('/data/journal')).toBe('/mnt/cache/appdata/scanner/journal');
    expect(paths.toHost('/mnt/Archive')).toBe('/mnt/user/Archive');
    expect(paths.toHost('/mnt/deep/x')).toBe('/srv/deep/x');
    expect(paths.toHost('/mnt/deeper')).toBe('/mnt/user/deeper');
  });

  test.each(['/elsewhere', '/database', '/scratch/x'])(
    '%s is only in the container: refused, with the -v to add',
    (path) => {
      const paths = new HostPaths([], inside);
      expect(() => paths.toHost(path)).toThrow(
        expect.objectContaining({
          code: 'path-untranslatable',
          hint: expect.stringContaining(`-v ${path}:${path}`) as string,
        }) as Error,
      );
    },
  );

  test('--host-path counts before all else', () => {
    const paths = new HostPaths([{ inside: '/data', outside: '/other' }], inside);
    expect(paths.toHost('/data/x')).toBe('/other/x');
    expect(new HostPaths([{ inside: '/', outside: '/rootfs' }], null).toHost('/mnt')).toBe('/rootfs/mnt');
  });

  test('on a host every path is what it is', () => {
    expect(new HostPaths([], null).toHost('/mnt/x')).toBe('/mnt/x');
  });
});

describe('our own container', () => {
  const never = (): Promise<null> => Promise.reject(new Error('asked for nothing'));

  test('a host asks for none, even where other containers leave their mounts in sight', async () => {
    const around = { ...host, mountinfo: mountinfo(['/', `/var/lib/docker/containers/${ID}/mounts/shm`]) };
    expect(await findOwnContainer(around, never)).toBeNull();
  });

  test('is known by the folder its /etc/hostname comes from', async () => {
    const around = {
      ...host,
      mountinfo: mountinfo([`/var/lib/docker/containers/${ID}/hostname`, '/etc/hostname']),
    };
    const found = await findOwnContainer(around, (name) => Promise.resolve(name === ID ? inside : null));
    expect(found).toBe(inside);
  });

  test('known by its name alone it must have our mounts', async () => {
    const around = { ...host, marked: true, env: { HOST_CONTAINERNAME: 'nas-scanner' } };
    const inspect = (name: string) => Promise.resolve(name === 'nas-scanner' ? inside : null);
    expect(await findOwnContainer(around, inspect)).toBeNull();
    const points = inside.mounts.map(({ destination }): [string, string] => ['/x', destination]);
    expect(await findOwnContainer({ ...around, mountinfo: mountinfo(...points) }, inspect)).toBe(inside);
  });

  test('none where the daemon knows no such container: it shares our file system', async () => {
    const around = { ...host, marked: true };
    expect(await findOwnContainer(around, () => Promise.resolve(null))).toBeNull();
  });
});
