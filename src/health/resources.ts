const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Of the host's memory, what all workers together may take: the NAS has other things to do. */
const MEMORY_SHARE = 0.75;
/** A worker needs no more by itself; what is asked for may be more. */
const MEMORY_DEFAULT_MAX = 2 * GIB;
/** Below this a worker cannot hold its batches; an engine refuses less than 6 MiB anyway. */
const MEMORY_MIN = 128 * MIB;
const CPUS_MIN = 0.01;

export interface HostCapacity {
  cpus: number;
  memoryBytes: number;
}

/** What `--cpus` and `--memory` said; null: nothing. */
export interface AskedLimits {
  cpus: number | null;
  memoryBytes: number | null;
}

export interface FairShare {
  cpus: number;
  memoryBytes: number;
  /** What was clamped or does not fit, in words for people. */
  notes: string[];
}

/**
 * Limits of one worker: what was asked for, never above what the host has, else a fair share of it.
 * Memory of all workers together stays within the host's (a NAS that swaps helps nobody); CPUs may add up
 * to more, the kernel shares them out.
 */
export function fairShare(host: HostCapacity, workers: number, asked: AskedLimits): FairShare {
  const notes: string[] = [];
  return {
    cpus: shareOfCpus(host, workers, asked.cpus, notes),
    memoryBytes: shareOfMemory(host, workers, asked.memoryBytes, notes),
    notes,
  };
}

function shareOfCpus(host: HostCapacity, workers: number, asked: number | null, notes: string[]): number {
  const share = Math.min(host.cpus, Math.max(1, host.cpus / workers));
  if (asked === null) return Math.max(CPUS_MIN, round(share));
  if (asked > host.cpus) notes.push(`${asked} CPUs asked for, the host has ${host.cpus}: using ${host.cpus}`);
  const cpus = Math.min(asked, host.cpus);
  if (cpus * workers > host.cpus && asked > share) {
    notes.push(`${workers} workers of ${cpus} CPUs share the host's ${host.cpus}`);
  }
  return cpus;
}

function shareOfMemory(host: HostCapacity, workers: number, asked: number | null, notes: string[]): number {
  const share = Math.max(MEMORY_MIN, Math.floor((host.memoryBytes * MEMORY_SHARE) / workers));
  const most = Math.min(share, host.memoryBytes);
  if (asked === null) return Math.min(most, MEMORY_DEFAULT_MAX);
  if (asked <= most) return asked;
  notes.push(
    `${workers} workers of ${megabytes(asked)} do not fit into the host's ${megabytes(host.memoryBytes)}: using ${megabytes(most)} each`,
  );
  return most;
}

function round(cpus: number): number {
  return Math.round(cpus * 100) / 100;
}

function megabytes(bytes: number): string {
  return bytes >= GIB ? `${Math.round((bytes / GIB) * 10) / 10} GiB` : `${Math.round(bytes / MIB)} MiB`;
}
