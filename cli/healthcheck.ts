// What the image's HEALTHCHECK runs in the coordinator's container. Without the rest of the program, and only looking at
// the age of files: it runs for as long as a scan does, on a NAS.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dataPaths, resolveDataDir } from './data-dir.js';

const HEALTH_INTERVAL_SECONDS = 300;
/** A running scan journals a health check of each worker once an interval; two may fall out on a busy host. */
const INTERVALS_MAX = 3;
const SLACK_SECONDS = 60;

/** The value of an option in a command line, in either of its two forms. */
function optionOf(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  return at >= 0 ? words[at + 1] : words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** When any writer of the newest scan last wrote, ms; null before the first scan. */
function lastWrittenMs(journalDir: string): number | null {
  const scan = namesIn(journalDir)
    .filter((name) => /^[0-9A-Z]{26}$/.test(name))
    .sort()
    .at(-1);
  if (scan === undefined) return null;
  let newest = 0;
  for (const writer of namesIn(join(journalDir, scan))) {
    const folder = join(journalDir, scan, writer);
    const segment = namesIn(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .sort()
      .at(-1);
    if (segment !== undefined) newest = Math.max(newest, statSync(join(folder, segment)).mtimeMs);
  }
  return newest;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Why the container's main program is not well; null when it is, or when it is no scan. */
function complaint(words: readonly string[]): string | null {
  if (!words.includes('scan')) return null;
  const { journalDir } = dataPaths(resolveDataDir(optionOf(words, '--data-dir')));
  const interval = optionOf(words, '--health-interval') ?? process.env['NAS_SCANNER_HEALTH_INTERVAL'];
  const silentMax = (Number(interval) || HEALTH_INTERVAL_SECONDS) * INTERVALS_MAX + SLACK_SECONDS;
  const writtenMs = lastWrittenMs(journalDir);
  if (writtenMs === null) return null;
  const silent = Math.round((Date.now() - writtenMs) / 1000);
  return silent <= silentMax
    ? null
    : `nothing was journaled for ${silent} s (at most ${silentMax} s are usual)`;
}

// Process 1 is the scan, or the init that was started with its command line.
const given = process.argv.slice(2);
const words = given.length > 0 ? given : readFileSync('/proc/1/cmdline', 'utf8').split('\0');
const trouble = complaint(words);
if (trouble !== null) process.exitCode = 1;
process.stdout.write(`${trouble ?? 'healthy'}\n`);
