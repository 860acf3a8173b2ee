import type { z } from 'zod';
import { attemptEvents } from './attempt.js';
import { chunkEvents } from './chunk.js';
import { filesEvents } from './files.js';
import { healthEvents } from './health.js';
import { scanEvents } from './scan.js';
import { writerEvents } from './writer.js';

/** Every event type with the schema of its `data`. All are at version 1. */
export const eventSchemas = {
  ...scanEvents,
  ...chunkEvents,
  ...attemptEvents,
  ...healthEvents,
  ...writerEvents,
  ...filesEvents,
} as const;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;

/** One event with its payload, discriminated by `type`. */
export type JournalEvent = { [T in EventType]: { type: T; data: EventData<T> } }[EventType];

export type { BigCount, CoordinatorRef, Host, PathText, RecordRef } from './common.js';
export type { AnalysisOutcome, ChunkReason, ChunkRoot } from './chunk.js';
export type { ListedDirectory, Problem } from './files.js';
export type { ScanOutcome } from './scan.js';
export type { WriterPosition } from './writer.js';
