import { z } from 'zod';
import { FINDING_CODES, SEVERITIES, VERDICTS } from '../../projections/diagnosis/types.js';
import { BIG, bigCount, chunkCounts, count, scanId, seconds, time } from './common.js';

const evidence = z.object({
  file: z.string().describe("relative to the journal's folder"),
  seq: count.nullable().describe('of the record; null where it is about bytes that are no record'),
  at: time.nullable(),
  text: z.string().describe('what it says, for people'),
});

const finding = z.object({
  code: z.enum(FINDING_CODES),
  severity: z.enum(SEVERITIES).describe('info: a retry or a resume has healed it'),
  title: z.string().describe('one sentence'),
  count: count.describe('how often it happened'),
  since: time.nullable().describe('the first time; null: there is none'),
  until: time.nullable().describe('the last time; null: there is none'),
  cost: z.string().describe('what it cost; empty: nothing'),
  evidence: z.array(evidence).describe('what proves it'),
  advice: z.array(z.string()).describe('steps in order; between backquotes what can be pasted into a shell'),
  explains: z.array(z.enum(FINDING_CODES)).describe('findings that this one is the cause of'),
});

const live = z.object({
  mount: z
    .object({
      state: z.enum(['ok', 'missing', 'not-directory', 'denied', 'stale', 'hung', 'failed']),
      empty: z.boolean().nullable().describe('null: it could not be listed'),
      code: z.string().nullable().describe("errno's name; null: none"),
    })
    .nullable()
    .describe('null: the mount is not known'),
  dataDirFreeBytes: z.number().nullable().describe('null: not known'),
  load: z.object({
    load1: z.number().describe('processes that ran or waited, averaged over a minute'),
    memoryFreeBytes: z.number(),
    memoryBytes: z.number(),
  }),
  engine: z.object({
    state: z
      .enum(['answers', 'does-not-answer', 'not-asked'])
      .describe('not-asked: the scan ran without containers'),
    detail: z.string(),
    imageThere: z.boolean().nullable().describe("whether the workers' image is there; null: not known"),
    containers: z
      .array(z.object({ name: z.string(), phase: z.enum(['created', 'running', 'exited']) }))
      .describe('of this scan, those that still exist'),
  }),
  catalog: z
    .object({
      state: z.enum(['agrees', 'behind', 'mismatch', 'locked', 'unreadable', 'missing']),
      detail: z.string(),
    })
    .nullable()
    .describe('whether it holds what the journal says'),
});

export const diagnosisSchema = z
  .object({
    scan: scanId.nullable().describe("the scan's ULID; null: there is none"),
    verdict: z.enum(VERDICTS),
    sentence: z.string().describe('the verdict in one sentence'),
    mountPath: z.string().nullable().describe('null: not known'),
    mountName: z.string().describe('empty: not known'),
    engine: z.string().describe('docker or process; empty: not known'),
    startedAt: time.nullable(),
    endedAt: time.nullable().describe('null: it has not ended'),
    totals: z.object({
      files: count,
      directories: count.describe('directories listed completely'),
      bytes: bigCount.describe(`sum of the sizes of all files; ${BIG}`),
      problems: count.describe('entries that could not be read'),
      unlisted: count.describe('directories that are known and were not listed'),
      records: count.describe('valid records of the journal'),
      seconds,
      filesPerSecond: z.number(),
    }),
    chunks: chunkCounts,
    findings: z.array(finding).describe('the worst first, causes before what they explain'),
    live: live.nullable().describe('as seen when asked; null with --offline, or without a scan'),
  })
  .describe('What went wrong with a scan, what proves it, and what to do.');

export type DiagnosisJson = z.infer<typeof diagnosisSchema>;
