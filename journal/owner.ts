import { chown, stat } from 'node:fs/promises';
import { JournalError } from './errors.js';
import { errnoName, type FileOwner } from './storage.js';

/**
 * Owner and mode of what this program writes, as NAS containers have it set: PUID and PGID are numbers, UMASK is
 * octal.
 * @throws JournalError `invalid-owner` for anything else
 */
export function ownerFromEnvironment(env: NodeJS.ProcessEnv = process.env): FileOwner {
  return {
    uid: numberFrom(env, 'PUID', /^\d{1,10}$/, 10),
    gid: numberFrom(env, 'PGID', /^\d{1,10}$/, 10),
    umask: numberFrom(env, 'UMASK', /^0?[0-7]{1,3}$/, 8),
  };
}

function numberFrom(env: NodeJS.ProcessEnv, name: string, form: RegExp, radix: number): number | null {
  const text = env[name];
  if (text === undefined || text === '') return null;
  if (!form.test(text)) {
    const takes = radix === 8 ? 'an octal mask such as 022' : 'a number such as 99';
    throw new JournalError('invalid-owner', `${name}=${text} makes no sense: it takes ${takes}`);
  }
  return Number.parseInt(text, radix);
}

/**
 * Gives a file or folder that is already there to the owner. Nothing happens where it is gone. It is never opened:
 * closing it again would drop the locks that SQLite holds on it in this process.
 */
export async function ownPath(path: string, owner: FileOwner): Promise<void> {
  if (owner.uid === null && owner.gid === null) return;
  try {
    const is = await stat(path);
    const uid = owner.uid ?? is.uid;
    const gid = owner.gid ?? is.gid;
    if (is.uid !== uid || is.gid !== gid) await chown(path, uid, gid);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
  }
}
