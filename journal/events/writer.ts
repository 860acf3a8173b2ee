import { z } from 'zod';
import { coordinatorRef, count, crcHex, pathText, recordRef } from './common.js';

const writerPosition = z.looseObject({
  writer: z.string(),
  epoch: z.int().positive(),
  segment: z.int().positive(),
  bytes: count,
  seq: z.int().positive(),
  crc: crcHex,
});
/** How far a writer's records are proven: `bytes` is the offset behind record `seq` within `segment`. */
export type WriterPosition = z.infer<typeof writerPosition>;

/** The journal's own events: segments, and how far a writer's records count. */
export const writerEvents = {
  'segment.opened': z.looseObject({
    format: z.int().positive(),
    hostname: z.string(),
    segment: z.int().positive(),
    previous: recordRef.nullable(),
    coordinator: coordinatorRef.nullable(),
  }),
  'segment.sealed': z.looseObject({
    records: count,
    bytes: count,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  'writer.progressed': writerPosition,
  'writer.settled': writerPosition,
  /** A worker's disk is full: it waits for room. `code`: the errno's name; `path`: the segment that comes next. */
  'writer.paused': z.looseObject({
    reason: z.string(),
    code: z.string(),
    path: z.string(),
    neededBytes: count,
  }),
  /** There was room again after so many seconds. */
  'writer.continued': z.looseObject({ seconds: z.number().nonnegative() }),
  'journal.repaired': z.looseObject({
    file: z.string(),
    fromByte: count,
    toByte: count,
    quarantine: z.string(),
  }),
  'catalog.imported': z.looseObject({ path: pathText, sha256: z.string(), rows: count }),
} as const;
