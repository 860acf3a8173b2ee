/** Options every command takes; commander fills them (camel case of the flags). */
export interface CommonOptions {
  dataDir?: string;
  dbName?: string;
  json: boolean;
  quiet: boolean;
}

/** A scan, or a time in ms since 1970. */
export interface Until {
  scan?: string;
  timeMs?: number;
}

export interface ReplayOptions extends CommonOptions {
  scan?: string[];
  until?: Until;
  to?: string;
}

export interface VerifyOptions extends CommonOptions {
  scan?: string;
  /** Compare every row of the catalog with what a replay gives. */
  catalog: boolean;
}

export interface RepairOptions extends CommonOptions {
  scan?: string;
  dryRun: boolean;
}

export interface DiagnoseOptions extends CommonOptions {
  scan?: string;
  offline: boolean;
  html?: string;
  redact: boolean;
}

export interface SchemaOptions extends CommonOptions {
  /** A command's name; undefined: all. */
  of?: string;
}

/** Options of `scan` and `preflight`, checked and in the program's units. */
export interface ScanOptions extends CommonOptions {
  /** Absolute. */
  mountPath: string;
  /** Of `scan` only; `preflight` has none. */
  mountName: string;
  engine: 'auto' | 'docker' | 'process';
  fastStart: boolean;
  chunkBytes: number;
  maxContainers: number;
  /** Directories at once inside one worker; null: found by measuring. */
  workers: number | null;
  /** Of one worker, as asked for; null: a fair share of the host. */
  cpus: number | null;
  memoryBytes: number | null;
  image: string;
  analysisTimeoutMs: number;
  ioTimeoutMs: number;
  startTimeoutMs: number;
  healthIntervalMs: number;
  stallTimeoutMs: number;
  stallAction: 'warn' | 'restart';
  fullDiskWaitMs: number;
  engineWaitMs: number;
  retries: number;
  checksum: 'none' | 'sampled' | 'full';
  exclude: string[];
  oneFileSystem: boolean;
  /** INSIDE=OUTSIDE pairs. */
  hostPaths: { inside: string; outside: string }[];
  resume: 'auto' | 'resume' | 'fresh';
  nice: boolean;
}
