/** What the journal's own check says of a scan, as far as diagnosis needs it. */
export interface JournalReport {
  sound: boolean;
  records: number;
  segments: readonly JournalSegment[];
}

export interface JournalSegment {
  file: string;
  writer: string;
  epoch: number;
  segment: number;
  state: 'sealed' | 'open' | 'torn' | 'damaged' | 'lost';
  records: number;
  badBytes: number;
  lost: readonly { fromSeq: number; toSeq: number }[];
  detail: readonly string[];
}
