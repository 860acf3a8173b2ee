import type { ChunkReason, ChunkRoot } from '../../journal/events/index.js';
import { nameForJournal } from '../walk/names.js';
import type { PlannedChunk } from './options.js';
import { inRecords, RootsRoom } from './roots.js';

/** A measured directory with all below it. */
export interface SizedDirectory {
  path: string;
  /** Of the whole subtree. */
  files: number;
  bytes: number;
  /** Of the files lying directly in it. */
  looseFiles: number;
  looseBytes: number;
  /** All its subdirectories, or none where their sizes are not needed: then it is never split. */
  children: SizedDirectory[];
}

/** One root with what is expected there. */
export interface Piece {
  root: ChunkRoot;
  files: number;
  bytes: number;
}

export function looseFiles(path: string, files = 0, bytes = 0): Piece {
  return { root: { path: nameForJournal(path), scope: 'files' }, files, bytes };
}

export function subtree(path: string, files = 0, bytes = 0): Piece {
  return { root: { path: nameForJournal(path), scope: 'subtree' }, files, bytes };
}

/** Cuts a directory into pieces no bigger than a chunk, as far as its own files allow. An exact partition. */
export function cut(directory: SizedDirectory, chunkBytes: number): Piece[] {
  if (directory.bytes <= chunkBytes || directory.children.length === 0) {
    return [subtree(directory.path, directory.files, directory.bytes)];
  }
  const pieces = [looseFiles(directory.path, directory.looseFiles, directory.looseBytes)];
  for (const child of directory.children) pieces.push(...cut(child, chunkBytes));
  return pieces;
}

/** What chunks may hold and how many are wanted. */
export interface PackLimits {
  chunkBytes: number;
  /** Chunks among which the work is to be shared as evenly as it goes. */
  chunksWanted: number;
  /** Fewer files than this are not worth a worker of their own. */
  filesMin: number;
}

/**
 * Packs pieces into chunks, the largest first: no chunk above `chunkBytes` unless a single piece is, tiny pieces
 * together, neighbours together where possible. Each piece ends in exactly one chunk.
 */
export function pack(pieces: readonly Piece[], limits: PackLimits, reason: ChunkReason): PlannedChunk[] {
  const files = pieces.reduce((sum, piece) => sum + piece.files, 0);
  const share = Math.max(limits.filesMin, Math.ceil(files / limits.chunksWanted));
  const chunks: PlannedChunk[] = [];
  let open: PlannedChunk | null = null;
  let room = new RootsRoom();
  for (const piece of pieces) {
    if (open !== null && !(fits(open, piece, share, limits.chunkBytes) && room.take(piece.root))) open = null;
    if (open === null) {
      room = new RootsRoom();
      room.take(piece.root);
      open = { roots: [], reason, estimatedFiles: 0, estimatedBytes: 0 };
      chunks.push(open);
    }
    open.roots.push(piece.root);
    open.estimatedFiles += piece.files;
    open.estimatedBytes += piece.bytes;
  }
  return chunks.sort(largestFirst);
}

function fits(chunk: PlannedChunk, piece: Piece, share: number, chunkBytes: number): boolean {
  return chunk.estimatedBytes + piece.bytes <= chunkBytes && chunk.estimatedFiles + piece.files <= share;
}

function largestFirst(a: PlannedChunk, b: PlannedChunk): number {
  return b.estimatedBytes - a.estimatedBytes || b.estimatedFiles - a.estimatedFiles;
}

/** Spreads pieces, most of them of unknown size, over at most so many chunks, more where their paths are many or long, neighbours together. */
export function spread(pieces: readonly Piece[], chunksMax: number, reason: ChunkReason): PlannedChunk[] {
  const perChunk = Math.ceil(pieces.length / Math.max(1, chunksMax));
  const chunks: PlannedChunk[] = [];
  for (let from = 0; from < pieces.length; from += perChunk) {
    for (const some of inRecords(pieces.slice(from, from + perChunk), (piece) => piece.root)) {
      chunks.push({
        roots: some.map((piece) => piece.root),
        reason,
        estimatedFiles: some.reduce((sum, piece) => sum + piece.files, 0),
        estimatedBytes: some.reduce((sum, piece) => sum + piece.bytes, 0),
      });
    }
  }
  return chunks;
}
