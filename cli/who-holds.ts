import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Programs that are named; who has more of them open knows where to look. */
const NAMED_MAX = 3;

/**
 * The programs of this host that have a file open, as `name, process 123`. Of other users' programs only root sees it,
 * and of those beyond this container nobody: an empty list does not mean that there is none.
 * @param path as the kernel knows it: absolute, without symlinks
 */
export function whoHolds(path: string): string[] {
  const holders: string[] = [];
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    const folder = `/proc/${pid}/fd`;
    if (!namesIn(folder).some((name) => linkOf(`${folder}/${name}`) === path)) continue;
    holders.push(`${nameOf(pid)}, process ${pid}`);
    if (holders.length === NAMED_MAX) break;
  }
  return holders;
}

/** Empty where it may not be looked at, or is gone by now. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // closed since
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'a program that has ended since';
  }
}
