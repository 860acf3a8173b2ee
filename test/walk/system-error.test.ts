import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { errnoName as journalErrnoName } from '../../journal/storage.js';
import { errnoName, expectSystemError } from '../../src/walk/system-error.js';
import { hasStrace, inCi } from '../support/journal-faults.js';
import { WorkerPlace } from '../support/worker-run.js';

/** Errnos that neither libuv nor Node's own table has a name for, or only one of them. */
const NAMELESS = {
  EBADMSG: 74,
  ESTALE: 116,
  EUCLEAN: 117,
  EREMOTEIO: 121,
  EDQUOT: 122,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EHWPOISON: 133,
} as const;

/** As Node throws it for an errno that libuv does not know. */
function systemError(errno: number): Error {
  const words = `Unknown system error -${errno}`;
  return Object.assign(new Error(words), { code: words, errno: -errno, syscall: 'lstat' });
}

describe('the name of an errno', () => {
  test.each(Object.entries(NAMELESS))('%s, which libuv does not know', (name, errno) => {
    expect([errnoName(systemError(errno)), journalErrnoName(systemError(errno))]).toEqual([name, name]);
  });

  test('one that nobody knows is its number', () => {
    expect(errnoName(systemError(999))).toBe('E999');
  });

  test('what is no error of the system is thrown on', () => {
    const bug = new TypeError('x is not a function');
    expect(() => errnoName(bug)).toThrow(bug);
    expect(() => {
      expectSystemError(bug);
    }).toThrow(bug);
    expectSystemError(systemError(NAMELESS.ESTALE));
  });
});

describe.skipIf(!hasStrace && !inCi)('a directory that cannot be listed (skipped without strace)', () => {
  let place: WorkerPlace;
  let bad: string;
  beforeEach(() => {
    place = new WorkerPlace();
    bad = join(place.tree, 'bad');
    mkdirSync(bad, { recursive: true });
    writeFileSync(join(bad, 'hidden'), 'x');
    writeFileSync(join(place.tree, 'seen'), 'x');
  });
  afterEach(() => place.remove());

  test.each(['ESTALE', 'EUCLEAN', 'EBADMSG', 'ENOKEY'])('is recorded with %s', (name) => {
    // Older versions of strace know some of them by number only.
    const errno = NAMELESS[name as keyof typeof NAMELESS];
    const traced = ['-f', '-q', '-o', '/dev/null', '-P', bad, '-e', 'trace=getdents64'];
    const { code } = place.runUnder(['strace', ...traced, '-e', `inject=getdents64:error=${errno}`]);
    expect(code).toBe(0);
    expect(place.recorded().directories.get(bad)).toMatchObject({
      last: false,
      problems: [{ name: '', operation: 'readdir', code: name }],
    });
  });
});
