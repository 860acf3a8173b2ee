import type { Diagnosis, Show, TopCoverage } from '../projections/diagnosis/index.js';
import type { ChunkFacts } from '../projections/diagnosis/facts.js';
import type { DirectoryProblems } from '../projections/diagnosis/problems.js';
import type { Timeline } from '../projections/timeline.js';
import type { LiveFacts } from './live-facts.js';

/** All that the report's three forms (text, JSON, page) are made from. */
export interface DiagnosisReport {
  diagnosis: Diagnosis;
  timeline: Timeline;
  /** null with `--offline`. */
  live: LiveFacts | null;
  show: Show;
  problems: DirectoryProblems[];
  chunks: ChunkFacts[];
  /** By directory of the mount. */
  tops: TopCoverage[];
}
