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

/** A stretch of a file, in bytes. */
export interface Range {
  offset: number;
  length: number;
}

/** What a checksum reads, in this order. */
export function rangesOf(mode: DigestMode, size: number): Range[] {
  if (mode === 'full' || size <= WHOLE_BYTES_MAX) return [{ offset: 0, length: size }];
  return [
    { offset: 0, length: SAMPLE_BYTES },
    { offset: Math.floor(size / 2), length: SAMPLE_BYTES },
    { offset: size - SAMPLE_BYTES, length: SAMPLE_BYTES },
  ];
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
  blakeHash ??= createRequire(import.meta.url)('@napi-rs/blake-hash') as typeof BlakeHash;
  return blakeHash;
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
