import type { CoordinatorRef, RecordRef, WriterPosition } from './events/index.js';

/** Records that follow each other without a byte between, each naming the checksum of the one before. */
export interface Run {
  kind: 'run';
  fromByte: number;
  toByte: number;
  fromSeq: number;
  toSeq: number;
  firstPrev: string;
  lastCrc: string;
  /** Of the last record: where it begins, and the checksum it names. */
  lastFromByte: number;
  lastPrev: string;
  /** Highest `durable` in it. */
  durable: number;
  /** It begins with the segment's `segment.opened`. */
  opened: boolean;
  /** It ends with a seal. */
  sealed: boolean;
  /** Found inside a line that is none: counts only where its neighbours name it. */
  glued: boolean;
  unknownTypes: Record<string, number>;
  /** Records of a version that this program does not know, counted by `type vN`. */
  newerVersions: Record<string, number>;
  /** A newer program began the segment: its bytes may follow rules that this one does not know. */
  newerFormat: boolean;
  /**
   * By seq the ids that may stand in two epochs, where the survey was asked for them: of the epoch's first records,
   * which may be written again, and of those that were not known to be on disk, which may come again.
   */
  ids: Map<number, string>;
}

/** A stretch of a file that the system does not give: errno's name. */
export interface Unreadable {
  fromByte: number;
  toByte: number;
  code: string;
}

/** Bytes that hold no record of this segment. */
export interface BadBytes {
  kind: 'bad';
  fromByte: number;
  toByte: number;
  /** Whole records of another scan, writer, epoch or segment among them. */
  foreign: boolean;
  /** Line feeds in it, and whether it ends with one. */
  lines: number;
  endsWithLine: boolean;
  /** Highest seq that the beginning of one of its lines still shows; 0: none. */
  seqShown: number;
  /** All NUL. */
  nul: boolean;
  /** The system's answer where it did not give the bytes at all (EIO, EACCES, …); null: they could be read. */
  unreadable: string | null;
}

export type Piece = Run | BadBytes;

/** What a record of this segment says about other records. */
export type Testimony = {
  /** Of the record that says it, and where it begins. */
  seq: number;
  fromByte: number;
} & (
  | { kind: 'opened'; segment: number; previous: RecordRef | null; coordinator: CoordinatorRef | null }
  | { kind: 'progressed' | 'settled'; position: WriterPosition }
);

/** All that recovery has to know of one segment's bytes. */
export interface SegmentSurvey {
  bytes: number;
  pieces: Piece[];
  testimonies: Testimony[];
  /** The last seal in it, and whether its three sums are those of the bytes before it. */
  seal: { seq: number; matches: boolean | 'newer-version' } | null;
}
