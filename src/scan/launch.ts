import { dirname, join } from 'node:path';
import { RESERVE_FILE, WORKER_RESERVE_BYTES } from '../../journal/disk-trouble.js';
import { listSegments, segmentPath } from '../../journal/segments.js';
import { makeFolder, NodeStorage } from '../../journal/storage.js';
import type { Launch } from '../engine/port.js';
import { writeTask } from '../worker/task.js';
import type { ChunkProgress } from './progress.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';
import type { Chunk } from './state.js';

/**
 * Makes the writer's folder with the task in it: all that a worker gets, and the only place it may write to. The room for
 * its word that the disk is full is there before it starts.
 * @throws the system's error
 */
export async function prepareLaunch(
  { journal, settings }: { journal: ScanJournal; settings: ScanSettings },
  { chunk, attempt, progress }: { chunk: Chunk; attempt: number; progress: ChunkProgress },
): Promise<Launch> {
  const { writer, previous } = progress;
  const { journalDir, scan, owner, mountPath, limits } = settings;
  const writerDir = dirname(segmentPath(journalDir, { scan, writer, epoch: 1, segment: 1 }));
  await makeFolder(writerDir, owner);
  await new NodeStorage(owner).reserve(join(writerDir, RESERVE_FILE), WORKER_RESERVE_BYTES);
  const epochs = (await listSegments(journalDir, scan, writer)).map((segment) => segment.epoch);
  const task = {
    ...settings.task,
    scan,
    writer,
    chunk: chunk.id,
    attempt,
    roots: chunk.roots,
    again: progress.again,
    coordinator: journal.newest,
    previous,
    epoch: Math.max(chunk.epoch, ...epochs) + 1,
    // A worker that was killed for memory gets another chance with a smaller appetite.
    directoriesAtOnceMax: chunk.outOfMemory ? 1 : settings.task.directoriesAtOnceMax,
  };
  const taskFile = await writeTask(writerDir, task, owner);
  return { scan, chunk: chunk.id, attempt, writer, writerDir, taskFile, mountPath, limits };
}
