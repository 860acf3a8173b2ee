import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { PathText } from '../journal/events/index.js';
import { errnoName, isFullDisk } from '../journal/storage.js';
import type { CatalogView, LiveContext } from '../projections/diagnosis/index.js';
import { probeMount, type MountState } from '../src/health/mount.js';
import { freeBytes, hostLoad, proveWritable, type HostLoad } from '../src/health/room.js';
import type { DataPaths } from './data-dir.js';
import { lookAtEngine, type EngineFacts } from './live-engine.js';

/** A mount that does not answer within this is called hung. */
const MOUNT_TIMEOUT_MS = 5000;

/** What can be seen right now, beside what the journal says. Null: not to be had. */
export interface LiveFacts {
  /** null: the mount is not known. */
  mount: { state: MountState; empty: boolean | null; code: string | null } | null;
  dataDirFreeBytes: number | null;
  load: HostLoad;
  engine: EngineFacts;
  catalog: CatalogView | null;
}

/** Looks at mount, space, engine and load. Every look has its own time limit; none rejects. */
export async function lookAround(
  paths: DataPaths,
  about: { scan: string | null; mountPath: PathText | null; engine: string; image: string },
  catalog: CatalogView | null,
): Promise<LiveFacts> {
  const { mountPath } = about;
  // A path that is not valid UTF-8 cannot be handed to another process.
  const path = typeof mountPath === 'string' ? mountPath : null;
  const [mount, dataDirFreeBytes, engine] = await Promise.all([
    path === null ? null : probeMount(path, MOUNT_TIMEOUT_MS),
    freeBytes(paths.dataDir),
    lookAtEngine({ kind: about.engine, scan: about.scan, image: about.image, dataDir: paths.dataDir }),
  ]);
  return {
    mount: mount === null ? null : { state: mount.state, empty: mount.empty, code: mount.code },
    dataDirFreeBytes,
    load: hostLoad(),
    engine,
    catalog,
  };
}

/** Why nothing can be written to the data directory; null: it can. Tries it, with a file that is removed again. */
export async function whyUnwritable(dataDir: string): Promise<LiveContext['unwritable']> {
  try {
    await proveWritable(dataDir, randomBytes(6).toString('hex'));
    return null;
  } catch (error) {
    const errno = errnoName(error);
    const code = isFullDisk(errno) ? 'disk.full' : 'data-dir.unwritable';
    return { code, detail: `${dataDir} cannot be written (${errno})` };
  }
}

/** This boot of this machine; null where the system does not say. */
export function bootNow(): LiveContext['boot'] {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { id, atMs: Date.now() - uptime() * 1000 };
  } catch {
    return null; // no Linux: then a reboot cannot be told from a kill
  }
}
