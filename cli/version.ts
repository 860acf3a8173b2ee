import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The package's version. The build puts the manifest beside the compiled folders too, so `dist` stands alone. */
export const VERSION = manifest.version;
