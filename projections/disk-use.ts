import { exactSum, sumParts } from './cells.js';
import type { Db } from './database.js';
import { openForReading } from './open-catalog.js';

/** What the sizes of files, summed up, do not tell about a disk. */
export interface DiskUse {
  /**
   * The sum of all sizes, less what is there only once (further names of one file) and what is not there at all
   * (holes, compression). Blocks are not rounded up.
   */
  bytesOnDisk: bigint;
  hardLinks: {
    /** Paths of files with several names. */
    paths: bigint;
    /** What those paths count beyond the first of each file. */
    repeatedBytes: bigint;
    /** Of `paths` those whose inode number identifies nothing (FUSE, network): each counts in full. */
    unidentified: bigint;
  };
  sparse: { files: bigint; apparentBytes: bigint; allocatedBytes: bigint };
}

type LinkRow = [unidentified: bigint | null, paths: bigint, size: bigint, allocated: bigint];

/** Of one scan only what its sum of bytes holds: files of directories that it listed to their end. */
const counted = (table: string): string => `
  (:scan IS NULL OR ${table}.scan = :scan AND EXISTS
    (SELECT 1 FROM directories AS d WHERE d.path = ${table}.directory AND d.listed_scan = :scan))`;

/**
 * Names of one file are known by its inode as one scan saw it: device numbers change with every start of the machine.
 * They also agree in size and number of links: else the file changed in between, and counts again.
 */
const LINKS = `
  SELECT CASE stable WHEN 0 THEN count(*) END, count(*), size, min(coalesce(allocated, size)) FROM (
    SELECT h.*, CAST(f.size AS INTEGER) AS size, s.allocated FROM hard_links AS h JOIN files AS f ON f.path = h.path
    LEFT JOIN sparse_files AS s ON s.directory = h.directory AND s.path = h.path WHERE ${counted('h')})
  GROUP BY scan, stable, device, inode, links, size`;

const SPARSE = `
  SELECT count(*), ${sumParts('f.size')}, ${sumParts('s.allocated')}
  FROM sparse_files AS s JOIN files AS f ON f.path = s.path WHERE ${counted('s')}`;

/**
 * @param bytes the sum of all sizes
 * @param scan only what this scan recorded
 * @returns null where the catalog does not know: one of the former system, or of an older version
 */
export function diskUse(database: Db, bytes: bigint, scan: string | null = null): DiskUse | null {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'hard_links'").get();
  if (known === undefined) return null;
  const hardLinks = { paths: 0n, repeatedBytes: 0n, unidentified: 0n };
  let repeatedHoles = 0n;
  for (const [unidentified, paths, size, allocated] of database
    .prepare<[{ scan: string | null }], LinkRow>(LINKS)
    .raw()
    .safeIntegers()
    .iterate({ scan })) {
    hardLinks.paths += paths;
    if (unidentified !== null) hardLinks.unidentified += unidentified;
    else {
      hardLinks.repeatedBytes += (paths - 1n) * size;
      repeatedHoles += (paths - 1n) * (size - allocated);
    }
  }
  const sums = database
    .prepare<[{ scan: string | null }], [bigint, bigint, bigint, bigint, bigint]>(SPARSE)
    .raw()
    .safeIntegers()
    .get({ scan });
  if (sums === undefined) return null;
  const [files, high, low, allocatedHigh, allocatedLow] = sums;
  const sparse = {
    files,
    apparentBytes: exactSum(high, low),
    allocatedBytes: exactSum(allocatedHigh, allocatedLow),
  };
  const holes = sparse.apparentBytes - sparse.allocatedBytes - repeatedHoles;
  return { bytesOnDisk: bytes - hardLinks.repeatedBytes - holes, hardLinks, sparse };
}

/** The same of one scan that recorded so many bytes. @throws ProjectionError when the catalog cannot be read */
export function diskUseOf(catalog: string, scan: string, bytes: bigint): DiskUse | null {
  const database = openForReading(catalog);
  try {
    return database.transaction(() => diskUse(database, bytes, scan))();
  } finally {
    database.close();
  }
}
