import { stat } from 'node:fs/promises';
import { listSegments, segmentPath } from './segments.js';
import { surveyFile } from './survey-file.js';

/**
 * Ids of the records that a writer's epochs before `epoch` hold without knowing them to be on disk: the only ones that
 * it may have written again. For readers to whom a damaged opening does not say where the older epochs end.
 */
export async function idsWithoutProof(
  journalDir: string,
  scan: string,
  writer: string,
  epoch: number,
): Promise<ReadonlySet<string>> {
  const unproven = new Map<number, Map<number, string>>();
  for (const name of await listSegments(journalDir, scan, writer)) {
    if (name.epoch >= epoch) break;
    const { size: bytes } = await stat(segmentPath(journalDir, name));
    const survey = await surveyFile({ journalDir, name, bytes, hash: false, ids: true });
    const ids = unproven.get(name.epoch) ?? new Map<number, string>();
    unproven.set(name.epoch, ids);
    for (const piece of survey?.pieces ?? []) {
      if (piece.kind !== 'run') continue;
      for (const [seq, id] of piece.ids) ids.set(seq, id);
      for (const seq of ids.keys()) if (seq <= piece.durable) ids.delete(seq);
    }
  }
  return new Set([...unproven.values()].flatMap((ids) => [...ids.values()]));
}
