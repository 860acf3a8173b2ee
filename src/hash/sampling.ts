import { createHash, hash, type Hash } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as BlakeHash from '@napi-rs/blake-hash';

/** Up to this size the sampled checksum covers the whole file. */
export const WHOLE_BYTES_MAX = 10 * 1024 * 1024;
/** What is taken of a bigger file: its beginning, its middle and its end. */
export const SAMPLE_BYTES = 64 * 1024;
/** The checksum of a file of 0 bytes. */
export const EMPTY = 'empty';
const ALGORITHM = 'blake2b512';

export type DigestMode = 'sampled' | 'full';
/** What a scan makes of each file; `none`: no checksum, and no file is opened. */
export type ChecksumMode = 'none' | DigestMode;

/** A stretch of a file, in bytes. Its offset is a bigint only where a place in it is beyond 2^53. */
export interface Range {
  offset: number | bigint;
  length: number;
}

/** No range is longer, so that any place in one is exact as a number. */
const RANGE_BYTES_MAX = 2n ** 52n;

/** What a checksum reads, in this order, of a file of up to 2^63-1 bytes. */
export function rangesOf(mode: DigestMode, size: bigint): Range[] {
  if (mode === 'sampled' && size > WHOLE_BYTES_MAX) {
    const last = size - BigInt(SAMPLE_BYTES);
    return [0n, size / 2n, last].map((offset) => rangeAt(offset, SAMPLE_BYTES));
  }
  const ranges: Range[] = [];
  for (let offset = 0n; offset < size; offset += RANGE_BYTES_MAX) {
    const left = size - offset;
    ranges.push(rangeAt(offset, Number(left < RANGE_BYTES_MAX ? left : RANGE_BYTES_MAX)));
  }
  return ranges;
}

function rangeAt(offset: bigint, length: number): Range {
  const isExact = offset + BigInt(length) <= Number.MAX_SAFE_INTEGER;
  return { offset: isExact ? Number(offset) : offset, length };
}

/** A place in a file, counted from another one, as `read` takes it. */
export function placeAfter(offset: number | bigint, bytes: number): number | bigint {
  return typeof offset === 'number' ? offset + bytes : offset + BigInt(bytes);
}

/** A digest being made. `digest` gives the checksum as it stands in the catalog. */
export interface Digest {
  update(bytes: Buffer): void;
  digest(): string;
}

class Blake2b implements Digest {
  readonly #hash: Hash = createHash(ALGORITHM);
  update(bytes: Buffer): void {
    this.#hash.update(bytes);
  }
  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Loaded by the first who needs it: only `full` does, and a small image may lack a library the binding wants. */
let blakeHash: typeof BlakeHash | null = null;
function loadBlakeHash(): typeof BlakeHash {
  try {
    blakeHash ??= createRequire(import.meta.url)('@napi-rs/blake-hash') as typeof BlakeHash;
    return blakeHash;
  } catch (cause) {
    throw new Error(`full checksums cannot be made: ${whyNotLoaded(cause)}. ${WHAT_FULL_NEEDS}`, { cause });
  }
}

/** What to do where full checksums cannot be made. */
export const WHAT_FULL_NEEDS =
  'Install what is missing (npm ci brings the packages, the system its libraries), or use --checksum sampled.';

/** Why full checksums cannot be made here; null: they can. Loads what makes them. */
export function whyNotFull(): string | null {
  try {
    loadBlakeHash();
    return null;
  } catch (error) {
    return whyNotLoaded(error);
  }
}

/** The binding tries several files and tells of the last; one that is there and cannot be loaded is the reason. */
function whyNotLoaded(error: unknown): string {
  const tried: Error[] = [];
  for (let each = error; each instanceof Error; each = each.cause) tried.push(each);
  const isDlopen = (each: Error): boolean => 'code' in each && each.code === 'ERR_DLOPEN_FAILED';
  const reason = tried.find(isDlopen) ?? tried.at(-1);
  return (reason?.message ?? String(error)).split('\n', 1).join('');
}

class Blake3 implements Digest {
  readonly #hash = new (loadBlakeHash().Blake3Hasher)();
  update(bytes: Buffer): void {
    this.#hash.update(bytes);
  }
  digest(): string {
    return `blake3:${this.#hash.digest('hex')}`;
  }
}

export function createDigest(mode: DigestMode): Digest {
  return mode === 'full' ? new Blake3() : new Blake2b();
}

/** The checksum of content that is there as a whole: faster than a digest for small files. */
export function digestOf(mode: DigestMode, content: Buffer): string {
  if (mode === 'sampled') return hash(ALGORITHM, content, 'hex');
  const digest = new Blake3();
  digest.update(content);
  return digest.digest();
}
