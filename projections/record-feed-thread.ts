import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { JournalError } from '../journal/errors.js';
import { batchesOf } from '../journal/reader.js';
import { messageOf } from '../journal/storage.js';
import { ProjectionError } from './errors.js';
import { BlockBuilder } from './record-block.js';
import type { FeedTask, FeedWorkplace, FromFeedThread, ToFeedThread } from './record-feed.js';
import { RowImage } from './row-image.js';

/** The thread that reads records and writes their rows into images, while another one brings them into the catalog. */

/** What a block is made in. It goes along with the block, and comes back. */
interface Place {
  image: string;
  memory?: ArrayBuffer;
}

const { head, images } = workerData as FeedWorkplace;
const image = new RowImage(head);
const builder = new BlockBuilder(image);
const files = new Map<string, number>();
const free: Place[] = images.map((path) => ({ image: path }));
let onFree: (() => void) | null = null;

async function feed({ journalDir, counted, repeated }: FeedTask): Promise<void> {
  let place = await nextPlace();
  for (const counts of counted) {
    for await (const batch of batchesOf(journalDir, counts, repeated, true)) {
      for (const read of batch) {
        builder.add(read);
        if (!builder.isFull) continue;
        send(counts.file, place);
        place = await nextPlace();
      }
    }
    if (builder.isEmpty) continue;
    send(counts.file, place);
    place = await nextPlace();
  }
  free.push(place);
}

/** For nobody else: a catalog can be meant for few. */
const IMAGE_MODE = 0o600;

/** Begins a block in the next place that is free. */
async function nextPlace(): Promise<Place> {
  for (;;) {
    const place = free.shift();
    if (place !== undefined) {
      builder.begin(place.memory);
      return place;
    }
    await new Promise<void>((resolve) => {
      onFree = resolve;
    });
  }
}

function send(file: string, place: Place): void {
  const hasRows = !image.isEmpty;
  if (hasRows) writeImage(place.image, image.finish());
  const block = builder.take(file);
  post({ type: 'block', block, image: place.image, hasRows }, [block.memory]);
}

/** Over what stands there already: SQLite opens it anew every time. */
function writeImage(path: string, bytes: Uint8Array): void {
  try {
    const file = files.get(path) ?? openSync(path, 'w', IMAGE_MODE);
    files.set(path, file);
    ftruncateSync(file, bytes.length);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
  } catch (cause) {
    throw new ProjectionError('catalog-unwritable', `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      path,
      hint: 'make room there, or give another place with --to',
    });
  }
}

function post(message: FromFeedThread, handedOver: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, handedOver);
}

function failureOf(error: unknown): FromFeedThread {
  const { message, path, hint } = error as JournalError;
  const shared = { type: 'failed', message, path, hint } as const;
  if (error instanceof ProjectionError) return { ...shared, of: 'projection', code: error.code };
  return { ...shared, of: 'journal', code: error instanceof JournalError ? error.code : 'io' };
}

parentPort?.on('message', (message: ToFeedThread) => {
  if (message.type === 'back') {
    free.push({ image: message.image, memory: message.memory });
    onFree?.();
    return;
  }
  feed(message).then(
    () => {
      post({ type: 'end' });
    },
    (error: unknown) => {
      post(failureOf(error));
    },
  );
});
