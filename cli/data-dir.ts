import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const UNRAID_APPDATA = '/mnt/user/appdata';
export const DATABASE_NAME_DEFAULT = 'smart_catalog.db';

/** The data directory, absolute: the option, else the environment, else Unraid's appdata, else XDG's. */
export function resolveDataDir(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = option ?? env['NAS_SCANNER_DATA_DIR'];
  if (chosen) return resolve(chosen);
  if (existsSync(UNRAID_APPDATA)) return join(UNRAID_APPDATA, 'nas-scanner');
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'nas-scanner');
}

export interface DataPaths {
  dataDir: string;
  journalDir: string;
  catalog: string;
  /** The catalog's file name. */
  databaseName: string;
  quarantineDir: string;
}

export function dataPaths(dataDir: string, databaseName = DATABASE_NAME_DEFAULT): DataPaths {
  return {
    dataDir,
    journalDir: join(dataDir, 'journal'),
    catalog: join(dataDir, databaseName),
    databaseName,
    quarantineDir: join(dataDir, 'quarantine'),
  };
}
