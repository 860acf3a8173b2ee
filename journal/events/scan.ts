import { z } from 'zod';
import { bigCount, count, host, pathText } from './common.js';

const chunkCounts = z.looseObject({
  planned: count,
  completed: count,
  failed: count,
  /** Cut into others without having completed: those are planned in their place. */
  split: count.optional(),
});
const scanOutcome = z.enum(['complete', 'complete-with-problems', 'incomplete']);
export type ScanOutcome = z.infer<typeof scanOutcome>;

/** The life of a scan, as its coordinator tells it. */
export const scanEvents = {
  'scan.started': z.looseObject({
    mountPath: pathText,
    mountName: z.string(),
    engine: z.enum(['docker', 'process']),
    options: z.record(z.string(), z.unknown()),
    host,
  }),
  'scan.resumed': z.looseObject({ reason: z.string(), host }),
  'scan.paused': z.looseObject({ reason: z.string() }),
  'scan.continued': z.looseObject({ reason: z.string() }),
  'scan.interrupted': z.looseObject({ signal: z.string() }),
  /** `cleanup` has opened this epoch, to tell how so many containers of a dead coordinator ended. */
  'cleanup.started': z.looseObject({ containers: count }),
  'scan.completed': z.looseObject({
    outcome: scanOutcome,
    files: count,
    directories: count,
    bytes: bigCount,
    problems: count,
    chunks: chunkCounts,
  }),
  'preflight.checked': z.looseObject({
    check: z.string(),
    ok: z.boolean(),
    detail: z.string(),
    advice: z.string(),
    /** With `check` mount, where it is there: its `st_dev`, decimal. */
    device: z.string().optional(),
  }),
  'catalog.opened': z.looseObject({ mode: z.string(), reason: z.string() }),
  /** The catalog could not follow; the scan goes on without it. */
  'catalog.troubled': z.looseObject({
    code: z.enum(['catalog.locked', 'catalog.unwritable', 'catalog.behind']),
    detail: z.string(),
  }),
  'catalog.recovered': z.looseObject({}),
  /** All else is done: the scan's end waits for the catalog. `bytesLeft` of the scan's journal, about; null: not known. */
  'catalog.awaited': z.looseObject({ bytesLeft: count.nullable() }),
} as const;
