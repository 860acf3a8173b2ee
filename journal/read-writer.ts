import type { RecordRef } from './events/index.js';
import { WriterTail, type WriterTailOptions } from './tail.js';
import type { ReadRecord } from './checkpoint.js';

/**
 * Reads what one writer has recorded, some records at a time, without a look at any other writer's files: for who
 * needs a coordinator only, where ScanReader would read the whole scan to learn what counts. Records are valid until the next
 * ones are asked for.
 * @param upTo readers ignore what lies beyond this record of its epoch
 */
export async function* readWriter(
  place: Pick<WriterTailOptions, 'journalDir' | 'scan' | 'writer'>,
  upTo: RecordRef | null = null,
): AsyncGenerator<readonly ReadRecord[]> {
  const tail = new WriterTail({ ...place, hash: false });
  if (upTo !== null) tail.settle(upTo);
  try {
    for (let batch = await tail.poll('valid'); batch.length > 0; batch = await tail.poll('valid'))
      yield batch;
  } finally {
    await tail.close();
  }
}
