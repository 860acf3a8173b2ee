import type { Evidence, FindingCode } from './types.js';

/** Records shown for one finding: the first ones and the last. */
const EVIDENCE_MAX = 5;
/** Chunks remembered for one finding; beyond, it counts as not healed as long as any chunk is not. */
const CHUNKS_MAX = 100_000;
const DETAILS_MAX = 5;

/** All incidents of one code: what one finding is made of. */
export interface IncidentGroup {
  code: FindingCode;
  count: number;
  evidence: Evidence[];
  /** Chunks it cost an attempt; 0 stands for a probe or for the scan as a whole. */
  chunks: Set<number>;
  /** Distinct words of engine or system. */
  details: Set<string>;
  since: string | null;
  until: string | null;
}

export interface Incident {
  evidence: Evidence;
  chunk?: number;
  detail?: string;
}

/** Gathers incidents by code, in bounded memory. */
export class IncidentBook {
  readonly #groups = new Map<FindingCode, IncidentGroup>();

  add(code: FindingCode, { evidence, chunk, detail }: Incident): void {
    const group = this.#group(code);
    group.count += 1;
    if (group.evidence.length < EVIDENCE_MAX) group.evidence.push(evidence);
    else group.evidence[EVIDENCE_MAX - 1] = evidence;
    if (chunk !== undefined && group.chunks.size < CHUNKS_MAX) group.chunks.add(chunk);
    if (detail !== undefined && detail !== '' && group.details.size < DETAILS_MAX) group.details.add(detail);
    const { at } = evidence;
    if (at === null) return;
    if (group.since === null || at < group.since) group.since = at;
    if (group.until === null || at > group.until) group.until = at;
  }

  /** The same incidents, to which a report may add what it concludes itself. */
  copy(): IncidentBook {
    const copied = new IncidentBook();
    for (const [code, group] of this.#groups) copied.#groups.set(code, structuredClone(group));
    return copied;
  }

  get(code: FindingCode): IncidentGroup | undefined {
    return this.#groups.get(code);
  }

  #group(code: FindingCode): IncidentGroup {
    const known = this.#groups.get(code);
    if (known !== undefined) return known;
    const made: IncidentGroup = {
      code,
      count: 0,
      evidence: [],
      chunks: new Set(),
      details: new Set(),
      since: null,
      until: null,
    };
    this.#groups.set(code, made);
    return made;
  }
}
