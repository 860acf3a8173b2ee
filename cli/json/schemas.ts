import type { z } from 'zod';
import { cleanupSchema } from './cleanup.js';
import { diagnosisSchema } from './diagnose.js';
import { errorSchema } from './error.js';
import { preflightSchema } from './preflight.js';
import { repairSchema } from './repair.js';
import { replaySchema } from './replay.js';
import { scanSchema } from './scan.js';
import { scansSchema } from './scans.js';
import { schemaSchema } from './schema.js';
import { selfTestSchema } from './self-test.js';
import { statsSchema } from './stats.js';
import { statusSchema } from './status.js';
import { verifySchema } from './verify.js';

/**
 * What each command prints with `--json`, by its name, and `error`, which any of them prints instead.
 * Objects are published as open: later versions may add fields. Here they name all there is.
 */
export const SCHEMAS = {
  scan: scanSchema,
  preflight: preflightSchema,
  replay: replaySchema,
  verify: verifySchema,
  repair: repairSchema,
  diagnose: diagnosisSchema,
  status: statusSchema,
  monitor: statusSchema,
  stats: statsSchema,
  scans: scansSchema,
  cleanup: cleanupSchema,
  'self-test': selfTestSchema,
  schema: schemaSchema,
  error: errorSchema,
} satisfies Record<string, z.ZodType>;
