import { hostname } from 'node:os';
import { planRepair, repairScan, type Repair, type RepairStep } from '../journal/repair.js';
import { listScans } from '../journal/segments.js';
import { validateEvent } from '../journal/validate.js';
import { holdDataDir } from './data-dir-lock.js';
import { formatBytes, formatCount, plural, printable } from '../projections/text.js';
import type { RepairOptions } from './command-options.js';
import { dataPaths, dataDirToRead } from './data-dir.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { RepairJson } from './json/repair.js';
import { checkKnown } from './scan-id.js';
import { paragraph } from './wrap.js';

/** Copies bad bytes to quarantine, then cuts torn tails. Never touches sound bytes. */
export async function runRepair(options: RepairOptions, io: Io): Promise<ExitCode> {
  const { dataDir, journalDir, quarantineDir } = dataPaths(dataDirToRead(options.dataDir), options.dbName);
  const all = await listScans(journalDir);
  checkKnown(all, options.scan, dataDir);
  const scans = options.scan === undefined ? all : [options.scan];
  const repairs: Repair[] = [];
  if (options.dryRun || scans.length === 0) {
    for (const scan of scans) repairs.push(await planRepair(journalDir, scan));
  } else {
    const lock = holdDataDir(dataDir, 'Repair when it has ended; nas-scanner status shows it.');
    try {
      const fixed = { journalDir, quarantineDir, hostname: hostname(), validate: validateEvent };
      for (const scan of scans) repairs.push(await repairScan({ ...fixed, scan }));
    } finally {
      lock.release();
    }
  }
  const steps = repairs.flatMap((repair) => repair.steps);
  const refused = repairs.flatMap((repair) => repair.refused);
  const cuts = steps.filter(({ cut }) => cut);
  const { dryRun } = options;
  const bytes = sumOf(steps);
  io.json({ dryRun, quarantineDir, cut: cuts.length, bytes, steps, refused } satisfies RepairJson);
  for (const { file } of refused) io.out(`${paragraph(`${file} ${REFUSED}`, io.columns)}\n`);
  if (steps.length > 0 || (!options.quiet && refused.length === 0))
    io.out(describe(steps, { dryRun, quarantineDir, columns: io.columns }));
  return refused.length > 0 ? EXIT.failed : EXIT.done;
}

const REFUSED =
  'was begun by a newer program: what seems bad there may be sound, so it is left as it is. ' +
  'Repair it with the program that wrote it, or a newer one.';

function describe(
  steps: readonly RepairStep[],
  { dryRun, quarantineDir, columns }: { dryRun: boolean; quarantineDir: string; columns: number },
): string {
  if (steps.length === 0) return 'Nothing to repair.\n';
  const would = dryRun ? 'would be ' : '';
  const lines = steps.map(({ file, fromByte, toByte, cut }) => {
    const what = `${file}: ${formatBytes(toByte - fromByte)} at byte ${fromByte}`;
    return `${what} ${would}copied${cut ? `, then ${would}cut off` : '; they stay, sound records follow or a witness misses them'}`;
  });
  const cuts = steps.filter(({ cut }) => cut).length;
  lines.push(
    `${plural(steps.length, 'place')} (${formatBytes(sumOf(steps))}) ${would}copied to ${printable(quarantineDir)}, ${formatCount(cuts)} ${would}cut off.`,
  );
  return `${lines.map((line) => paragraph(line, columns)).join('\n')}\n`;
}

function sumOf(steps: readonly RepairStep[]): number {
  return steps.reduce((sum, { fromByte, toByte }) => sum + toByte - fromByte, 0);
}
