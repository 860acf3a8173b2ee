import { z } from 'zod';

/** A path or name: plain where it is valid UTF-8, else the raw bytes. */
export const pathText = z.union([z.string(), z.object({ b64: z.base64() })]);
export type PathText = z.infer<typeof pathText>;

/** A count or size: a number up to 2^53, beyond that a decimal string. */
export const bigCount = z.union([z.int().nonnegative(), z.string().regex(/^\d+$/)]);
export type BigCount = z.infer<typeof bigCount>;

export const count = z.int().nonnegative();
/** Names one attempt at one chunk. */
export const ofAttempt = { chunk: z.int().positive(), attempt: z.int().positive() };
export const crcHex = z.string().regex(/^[0-9a-f]{8}$/);

/** Names one record of a writer. */
export const recordRef = z.looseObject({
  epoch: z.int().positive(),
  segment: z.int().positive(),
  seq: z.int().positive(),
  crc: crcHex,
});
export type RecordRef = z.infer<typeof recordRef>;

/** Names one record of the coordinator, as a worker quotes it. */
export const coordinatorRef = z.looseObject({
  epoch: z.int().positive(),
  seq: z.int().positive(),
  crc: crcHex,
});
export type CoordinatorRef = z.infer<typeof coordinatorRef>;

/** The machine a scan runs on. `bootId` tells a reboot from a crash. */
export const host = z.looseObject({
  hostname: z.string(),
  bootId: z.string(),
  cpus: z.number(),
  memoryBytes: z.number(),
});
export type Host = z.infer<typeof host>;
