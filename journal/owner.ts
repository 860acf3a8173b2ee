import { chown, stat } from 'node:fs/promises';
import { JournalError } from './errors.js';
import { errnoName, type FileOwner } from './storage.js';

/** The last number of 32 bits says "nobody's" to chown. */
const ID_MAX = 2 ** 32 - 2;
const UMASK_MAX = 0o777;

/**
 * Owner and mode of what this program writes, as NAS containers have it set: PUID and PGID are numbers, UMASK is
 * octal. Empty ones count as not set.
 * @throws JournalError `invalid-owner` for anything else
 */
export function ownerFromEnvironment(env: NodeJS.ProcessEnv = process.env): FileOwner {
  return {
    uid: numberFrom(env, 'PUID', {
      radix: 10,
      max: ID_MAX,
      takes: `a number from 0 to ${ID_MAX}, such as 99`,
    }),
    gid: numberFrom(env, 'PGID', {
      radix: 10,
      max: ID_MAX,
      takes: `a number from 0 to ${ID_MAX}, such as 100`,
    }),
    umask: numberFrom(env, 'UMASK', {
      radix: 8,
      max: UMASK_MAX,
      takes: 'an octal mask from 000 to 777, such as 022',
    }),
  };
}

function numberFrom(
  env: NodeJS.ProcessEnv,
  name: string,
  { radix, max, takes }: { radix: 8 | 10; max: number; takes: string },
): number | null {
  const text = env[name];
  if (text === undefined || text === '') return null;
  const isNumber = radix === 8 ? /^[0-7]{1,10}$/ : /^\d{1,10}$/;
  const value = isNumber.test(text) ? Number.parseInt(text, radix) : Infinity;
  if (value > max)
    throw new JournalError('invalid-owner', `${name}=${text} makes no sense: it takes ${takes}`);
  return value;
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
