import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, constants, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from './build-journal.js';
import { followWriter, judgeJournal, startWriter, withFolder } from './journal-faults.js';

const IMAGE_SIZE = '24M';
/** Between two cuts the writer runs on for at most this long. */
const RUN_MS = 120;

/**
 * Writes to an ext4 in an image, and copies the image while it is mounted and nothing is flushed: what the copy
 * holds is what a power cut would have left.
 * @returns what was wrong after each cut; empty: nothing
 */
export function cutPower(cuts: number, seed: number): Promise<string[]> {
  return withFolder(async (folder) => {
    const dice = new Dice(seed);
    const mounts = [join(folder, 'disk'), join(folder, 'after')] as const;
    for (const mount of mounts) mkdirSync(mount);
    try {
      const wrong: string[] = [];
      for (let run = 1; cuts > 0; run += 1) {
        const image = join(folder, `disk-${run}.img`);
        insertDisk(image, mounts[0]);
        cuts -= await cutWhileWriting({ folder, image, mounts, dice, cuts, wrong });
        execFileSync('umount', [mounts[0]]);
        rmSync(image);
      }
      return wrong;
    } finally {
      for (const mount of mounts) spawnSync('umount', ['-l', mount]);
    }
  });
}

/**
 * An empty disk for each run: in blocks that a former run left, a cut would bring its records to light, which have the
 * same scan, writer and epoch. No two scans have that.
 */
function insertDisk(image: string, mount: string): void {
  execFileSync('truncate', ['-s', IMAGE_SIZE, image]);
  execFileSync('mkfs.ext4', ['-qF', image]);
  execFileSync('mount', ['-o', 'loop', image, mount]);
}

interface Cut {
  folder: string;
  image: string;
  mounts: readonly [string, string];
  dice: Dice;
  cuts: number;
  wrong: string[];
}

/** One run of the writer, with as many cuts as it lives to see. */
async function cutWhileWriting({ image, mounts, dice, cuts, wrong, folder }: Cut): Promise<number> {
  const [disk, after] = mounts;
  let acknowledged = 0;
  const journalDir = join(disk, 'journal');
  mkdirSync(journalDir);
  const child = startWriter(journalDir, { groups: 2000, perGroup: 3, inject: null });
  const state = { running: true };
  const ended = followWriter(child, (count) => (acknowledged = count)).finally(() => (state.running = false));
  let done = 0;
  try {
    while (acknowledged === 0) await sleep(5);
    for (; done < cuts && state.running; done += 1) {
      await sleep(dice.below(RUN_MS));
      child.kill('SIGSTOP');
      const known = acknowledged;
      const copy = join(folder, 'copy.img');
      copyFileSync(image, copy, constants.COPYFILE_FICLONE);
      child.kill('SIGCONT');
      execFileSync('mount', ['-o', 'loop', copy, after]);
      const problem = await judgeJournal(
        join(after, 'journal'),
        Array.from({ length: known }, (_, n) => n),
      );
      if (problem !== null) wrong.push(`cut with ${known} acknowledged: ${problem}`);
      execFileSync('umount', [after]);
      rmSync(copy);
    }
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  return done;
}
