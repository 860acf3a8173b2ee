import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { LOCK_FILE } from '../projections/lock-file.js';
import { JOURNAL_FOLDER, journalDirOf } from '../journal/segments.js';
import { errnoName } from '../journal/storage.js';
import { printable } from '../projections/text.js';
import { CommandError, usageError } from './errors.js';

const UNRAID_APPDATA = '/mnt/user/appdata';
export const DATABASE_NAME_DEFAULT = 'smart_catalog.db';

/** The data directory, absolute: the option, else the environment, else Unraid's appdata, else XDG's. */
export function resolveDataDir(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = option ?? env['NAS_SCANNER_DATA_DIR'];
  if (chosen) return resolve(chosen);
  if (existsSync(UNRAID_APPDATA)) return join(UNRAID_APPDATA, 'nas-scanner');
  const xdg = env['XDG_DATA_HOME'];
  // Set but empty counts as not set, as the shell's `:-` has it.
  return resolve(xdg ? xdg : join(homedir(), '.local', 'share'), 'nas-scanner');
}

/**
 * The data directory of a command that reads what is there; it need not exist.
 * @throws CommandError when it is, or lies below, something else than a directory: no empty journal, a mistake
 */
export function dataDirToRead(option: string | undefined): string {
  const dataDir = resolveDataDir(option);
  const found = firstThere(dataDir);
  if (!found.isDirectory) {
    throw new CommandError(`the data directory ${dataDir} is none: ${found.path} is not a directory`, {
      hint: 'Say with --data-dir where the journal is.',
    });
  }
  return dataDir;
}

/** The path itself, or the nearest above it that exists. Where it cannot be told, whoever reads next finds out. */
function firstThere(path: string): { path: string; isDirectory: boolean } {
  try {
    return { path, isDirectory: statSync(path).isDirectory() };
  } catch (error) {
    if (path === '/' || !['ENOENT', 'ENOTDIR'].includes(errnoName(error))) return { path, isDirectory: true };
    return firstThere(dirname(path));
  }
}

export interface DataPaths {
  dataDir: string;
  journalDir: string;
  catalog: string;
  /** The catalog's file name. */
  databaseName: string;
  quarantineDir: string;
}

const QUARANTINE_FOLDER = 'quarantine';
/** What a catalog may not be named: the other things in the data directory. */
const TAKEN: ReadonlySet<string> = new Set(['', '.', '..', JOURNAL_FOLDER, QUARANTINE_FOLDER, LOCK_FILE]);

/** A file's name has 255 bytes at most, and SQLite and a replay put up to 17 behind the catalog's. */
const NAME_BYTES_MAX = 238;

function isCatalogName(name: string): boolean {
  if (TAKEN.has(name) || basename(name) !== name || printable(name) !== name) return false;
  return Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

/** @throws CommandError (wrong usage) when the catalog's name is not that of a file of its own in the data directory */
export function dataPaths(dataDir: string, databaseName = DATABASE_NAME_DEFAULT): DataPaths {
  if (!isCatalogName(databaseName)) {
    throw usageError(
      `${JSON.stringify(databaseName)} is not a name for the catalog (--db-name, NAS_SCANNER_DB_NAME)`,
      `It takes the name of a file in the data directory, such as ${DATABASE_NAME_DEFAULT}, of ${NAME_BYTES_MAX} bytes at most.`,
    );
  }
  return {
    dataDir,
    journalDir: journalDirOf(dataDir),
    catalog: join(dataDir, databaseName),
    databaseName,
    quarantineDir: join(dataDir, QUARANTINE_FOLDER),
  };
}
