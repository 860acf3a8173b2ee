import type { ChecksumMode } from '../hash/sampling.js';

/** The cells of a row, in their order. */
export function columnsFor(checksum: ChecksumMode): string[] {
  return checksum === 'none' ? ['name', 'size', 'mtimeNs'] : ['name', 'size', 'mtimeNs', 'checksum'];
}
