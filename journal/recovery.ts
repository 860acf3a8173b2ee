import { stat } from 'node:fs/promises';
import { recover, type Recovered, type ScanReport, type SurveyedSegment } from './recover.js';
import { isOfTheFile } from './read-around.js';
import { listSegments, listWriters, segmentPath, type SegmentName } from './segments.js';
import { errnoName } from './storage.js';
import { SegmentSurveyor } from './survey.js';
import type { SurveyTask } from './survey-file.js';
import { surveyAll } from './survey-pool.js';

export type { ScanReport, SegmentReport, SegmentState } from './recover.js';

export interface RecoverOptions {
  /** Recompute the SHA-256 of every seal (default); without it a seal is believed for its counts. */
  hash?: boolean;
  /** Only these, as if the others had nothing to say about them. */
  writers?: readonly string[];
  /** Threads beside this one, for journals that are worth it (default 1); 0: none. */
  threads?: number;
  /** Told each time that a file was read; what it throws ends the reading. */
  onSurveyed?: () => void;
}

const THREADS_DEFAULT = 1;

/** Reads every record of a scan and says what is sound. Modifies nothing. */
export async function recoverScan(
  journalDir: string,
  scan: string,
  options: RecoverOptions = {},
): Promise<ScanReport> {
  return (await recoverFiles(journalDir, scan, options)).report;
}

/** The same, with the stretches of each file that count. */
export async function recoverFiles(
  journalDir: string,
  scan: string,
  options: RecoverOptions = {},
): Promise<Recovered> {
  const { tasks, unlisted } = await surveyTasks(journalDir, scan, options);
  const surveys = await surveyAll(tasks, options.threads ?? THREADS_DEFAULT, options.onSurveyed);
  const surveyed = [...unlisted];
  tasks.forEach(({ name }, i) => {
    const survey = surveys[i];
    if (survey) surveyed.push({ name, survey });
  });
  return recover(scan, surveyed);
}

export interface SurveyTasks {
  /** One for each segment, in reading order. */
  tasks: SurveyTask[];
  /** In place of what is in folders that cannot be listed. */
  unlisted: SurveyedSegment[];
}

/** All that is to be surveyed of a scan: for who does it in a way of their own. */
export async function surveyTasks(
  journalDir: string,
  scan: string,
  options: Pick<RecoverOptions, 'hash' | 'writers'> = {},
): Promise<SurveyTasks> {
  const tasks: SurveyTask[] = [];
  const unlisted: SurveyedSegment[] = [];
  for (const writer of options.writers ?? (await listWriters(journalDir, scan))) {
    const names = await segmentsOrWhyNot(journalDir, scan, writer);
    if (!Array.isArray(names)) {
      unlisted.push(names);
      continue;
    }
    // Only a second epoch can hold a record again.
    const ids = names.some(({ epoch }) => epoch !== names[0]?.epoch);
    for (const name of names) {
      const bytes = await sizeOf(segmentPath(journalDir, name));
      tasks.push({ journalDir, name, hash: options.hash ?? true, ids, bytes });
    }
  }
  return { tasks, unlisted };
}

/** A writer's segments, or, where its folder cannot be listed, one in their place of which nothing can be read. */
async function segmentsOrWhyNot(
  journalDir: string,
  scan: string,
  writer: string,
): Promise<SegmentName[] | SurveyedSegment> {
  try {
    return await listSegments(journalDir, scan, writer);
  } catch (error) {
    if (!isOfTheFile(error)) throw error;
    const name = { scan, writer, epoch: 1, segment: 1 };
    const surveyor = new SegmentSurveyor({ name, hash: false, ids: false });
    return { name, survey: surveyor.allUnreadable(0, errnoName(error)) };
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    // It is opened again below, and who opens it says what is wrong.
    return 0;
  }
}
