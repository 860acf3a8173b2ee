import { z } from 'zod';
import { FINDING_CODES, SEVERITIES, VERDICTS } from '../projections/diagnosis/types.js';
import type { DiagnosisReport } from './diagnosis-report.js';
import { jsonSafe } from './table.js';

const count = z.int().nonnegative();
/** Beyond 2^53 a decimal string. */
const bigCount = z.union([count, z.string().regex(/^\d+$/)]);
const time = z.iso.datetime().nullable();

const evidence = z.object({
  file: z.string().describe("relative to the journal's folder"),
  seq: count.nullable().describe('null where it is about bytes that are no record'),
  at: time,
  text: z.string(),
});

const finding = z.object({
  code: z.enum(FINDING_CODES),
  severity: z.enum(SEVERITIES),
  title: z.string(),
  count,
  since: time,
  until: time,
  cost: z.string(),
  evidence: z.array(evidence),
  advice: z.array(z.string()).describe('steps in order; between backquotes what can be pasted into a shell'),
  explains: z.array(z.enum(FINDING_CODES)),
});

/** What `diagnose --json` prints. */
export const diagnosisSchema = z.object({
  scan: z.string().nullable(),
  verdict: z.enum(VERDICTS),
  sentence: z.string(),
  mountPath: z.string().nullable(),
  mountName: z.string(),
  engine: z.string(),
  startedAt: time,
  endedAt: time,
  totals: z.object({
    files: count,
    directories: count,
    bytes: bigCount,
    problems: count,
    unlisted: count,
    records: count,
    seconds: z.number(),
    filesPerSecond: z.number(),
  }),
  chunks: z.object({ planned: count, completed: count, failed: count }),
  findings: z.array(finding),
  live: z
    .object({
      mount: z
        .object({ state: z.string(), empty: z.boolean().nullable(), code: z.string().nullable() })
        .nullable(),
      dataDirFreeBytes: z.number().nullable(),
      load: z.object({ load1: z.number(), memoryFreeBytes: z.number(), memoryBytes: z.number() }),
      engine: z.object({
        state: z.enum(['answers', 'does-not-answer', 'not-asked']),
        detail: z.string(),
        imageThere: z.boolean().nullable(),
        containers: z.array(z.object({ name: z.string(), phase: z.string() })),
      }),
      catalog: z.object({ state: z.string(), detail: z.string() }).nullable(),
    })
    .nullable()
    .describe('as seen when asked; null with --offline'),
});

export function diagnosisJson({ diagnosis, live, show }: DiagnosisReport): unknown {
  const { mountPath } = diagnosis;
  const value = { ...diagnosis, mountPath: mountPath === null ? null : show.path(mountPath), live };
  return jsonSafe(
    live === null
      ? value
      : { ...value, live: { ...live, engine: { ...live.engine, detail: show.words(live.engine.detail) } } },
  );
}
