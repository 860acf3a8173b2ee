import { readdirSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeLine, NO_PREVIOUS_CRC } from '../../journal/record.js';
import { errnoName } from '../../journal/storage.js';
import { digestOf } from '../hash/sampling.js';

/** What the probe is told; it lies beside the record it writes. */
export interface ProbeTask {
  scan: string;
  /** ULID of the record to write. */
  id: string;
  mountPath: string;
  /** Name of an entry that must be there, base64; null: none is known. */
  sample: string | null;
  /** The scan will make full checksums, which need the image's native library. */
  fullChecksums: boolean;
}

/** What it saw: the payload of its record. */
export interface ProbeAnswer {
  /** errno name of what kept the mount from being listed, or null. */
  code: string | null;
  empty: boolean;
  /** Whether the entry named in the task is there; null: none was named. */
  sampleSeen: boolean | null;
}

export const PROBE_WRITER = 'worker-0000';
export const PROBE_RECORD_FILE = 'probe.ndjson';
export const PROBE_EVENT = 'preflight.probed';

/** Runs inside the probe container: looks at the mount and writes one record beside the task. Resolves with 0. */
export async function runProbe(taskFile: string): Promise<number> {
  const task = JSON.parse(await readFile(taskFile, 'utf8')) as ProbeTask;
  if (task.fullChecksums) digestOf('full', Buffer.from('probe'));
  const { line } = encodeLine(
    {
      seq: 1,
      durable: 0,
      id: task.id,
      at: new Date().toISOString(),
      scan: task.scan,
      writer: PROBE_WRITER,
      epoch: 1,
      type: PROBE_EVENT,
      v: 1,
      prev: NO_PREVIOUS_CRC,
    },
    JSON.stringify(look(task)),
  );
  const file = await open(join(dirname(taskFile), PROBE_RECORD_FILE), 'wx');
  try {
    await file.write(line);
    await file.sync();
  } finally {
    await file.close();
  }
  return 0;
}

/** By name alone: a lookup of an entry could hang in it, whatever the mount itself does. */
function look(task: ProbeTask): ProbeAnswer {
  try {
    const names = readdirSync(task.mountPath, { encoding: 'buffer' });
    const sample = task.sample === null ? null : Buffer.from(task.sample, 'base64');
    return {
      code: null,
      empty: names.length === 0,
      sampleSeen: sample === null ? null : names.some((name) => name.equals(sample)),
    };
  } catch (error) {
    return { code: errnoName(error), empty: true, sampleSeen: null };
  }
}
