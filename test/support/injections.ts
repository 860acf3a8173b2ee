import { Dice } from './build-journal.js';
import { followWriter, judgeJournal, startWriter, withFolder } from './journal-faults.js';

/** Commits of the program under test: 100 groups, the opening, and some for seals. */
export const COMMITS = 104;
const GROUPS = 100;
const PER_GROUP = 3;

/** What is done to the writer, and what has to come of it. */
export interface Injection {
  spec: string;
  outcome: 'killed' | 'done' | 'stopped';
}

/** Each error that a file system may answer, with the calls it is likely from. */
const WRITE_ERRORS = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ESTALE', 'ENOTCONN'];
const SYNC_ERRORS = ['EIO', 'ENOSPC', 'EDQUOT', 'ESTALE', 'EROFS', 'ENOTCONN'];

function errorsAt(when: number): Injection[] {
  const each = (call: string, error: string): Injection[] => [
    { spec: `${call}:error=${error}:when=${when}`, outcome: 'done' },
    { spec: `${call}:error=${error}:when=${when}+`, outcome: 'stopped' },
  ];
  return [
    ...WRITE_ERRORS.flatMap((error) => each('write', error)),
    ...SYNC_ERRORS.flatMap((error) => each('fdatasync', error)),
    // A file system that says it wrote, and wrote nothing.
    { spec: `write:retval=10:when=${when}`, outcome: 'done' },
  ];
}

function killsAt(when: number): Injection[] {
  return ['write', 'fdatasync'].map((call) => ({
    spec: `${call}:signal=KILL:when=${when}`,
    outcome: 'killed',
  }));
}

/** Every injection before every write and fdatasync. */
export function allInjections(): Injection[] {
  return Array.from({ length: GROUPS }, (_, i) => [...killsAt(i + 1), ...errorsAt(i + 1)]).flat();
}

/** A sample: every kind of error once and for good, and as many kills, at moments that the seed chooses. */
export function sampledInjections(seed: number): Injection[] {
  const dice = new Dice(seed);
  const kinds = errorsAt(1).length;
  const errors = Array.from({ length: kinds }, (_, i) => errorsAt(1 + dice.below(GROUPS))[i]);
  const kills = Array.from({ length: 18 }, () => killsAt(1 + dice.below(GROUPS))).flat();
  return [...errors.filter((injection) => injection !== undefined), ...kills];
}

/** Runs the writer with one injection. Says what went wrong; null: nothing. */
export function tryInjection({ spec, outcome }: Injection): Promise<string | null> {
  return withFolder(async (folder) => {
    const written = await followWriter(
      startWriter(folder, { groups: GROUPS, perGroup: PER_GROUP, inject: spec }),
    );
    const wrong = await judgeJournal(folder, written.acknowledged);
    if (wrong !== null) return `${spec}: ${wrong}`;
    if (outcome === 'killed') return written.done ? `${spec}: was not killed` : null;
    if (outcome === 'done') {
      const all = written.done && written.acknowledged.length === GROUPS * PER_GROUP;
      return all ? null : `${spec}: did not get through: ${String(written.error)}`;
    }
    const named = written.error?.startsWith(`no-segment cannot write the journal at ${folder}`) === true;
    const cause = /error=(\w+):/.exec(spec)?.[1] ?? '';
    return named && written.error?.includes(cause) === true
      ? null
      : `${spec}: stopped without saying why: ${String(written.error)}`;
  });
}
