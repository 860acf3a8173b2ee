import type { ChunkRoot } from '../../journal/events/index.js';
import { displayPath, formatBytes, formatSeconds, plural, printable } from '../text.js';
import { alarm, info, warning, type LogHandlers } from './state.js';

/** Roots named in one line; the journal has them all. */
const ROOTS_SHOWN_MAX = 5;

function rootsText(roots: readonly ChunkRoot[]): string {
  const shown = roots.slice(0, ROOTS_SHOWN_MAX).map((root) => {
    return root.scope === 'files' ? `${displayPath(root.path)} (its own files only)` : displayPath(root.path);
  });
  const more = roots.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export const chunkLines: LogHandlers = {
  'analysis.started': (data) => [info(`ANALYSIS of ${displayPath(data.directory)} started`)],
  'analysis.finished': (data) => {
    const where = `ANALYSIS of ${displayPath(data.directory)}`;
    const seen = `${plural(data.files, 'file')}, ${formatBytes(data.bytes)} in ${formatSeconds(data.seconds)}`;
    switch (data.outcome) {
      case 'sized':
        return [info(`${where}: ${seen}`)];
      case 'skipped':
        return [info(`${where} skipped: it is scanned at once (${seen} so far)`)];
      case 'timed-out':
        return [
          warning(`${where} timed out after ${formatSeconds(data.seconds)}: fallback to a chunk of its own`),
        ];
      case 'failed':
        return [warning(`${where} failed: fallback to a chunk of its own`)];
    }
  },
  'chunk.planned': (data) => {
    const size =
      data.estimatedFiles > 0 || BigInt(data.estimatedBytes) > 0n
        ? `about ${plural(data.estimatedFiles, 'file')}, ${formatBytes(data.estimatedBytes)}`
        : 'size not known';
    const text = `CHUNK ${data.chunk} planned (${data.reason}): ${rootsText(data.roots)}; ${size}`;
    return [data.reason === 'fallback' ? warning(text) : info(text)];
  },
  'plan.finished': (data) => [info(`PLAN finished: ${plural(data.chunks, 'chunk')}`)],
  'chunk.split': (data) => [
    info(
      `CHUNK ${data.chunk} split: what it had not begun goes to ${data.into.map((into) => `chunk ${into}`).join(', ')}`,
    ),
  ],
  'chunk.completed': (data, state) => {
    state.filesByChunk.set(data.chunk, data.files);
    const text =
      `CHUNK ${data.chunk} COMPLETE: ${plural(data.files, 'file')}, ` +
      `${plural(data.directories, 'directory', 'directories')}, ${formatBytes(data.bytes)}`;
    if (data.problems === 0) return [info(text)];
    return [warning(`${text}; ${plural(data.problems, 'entry', 'entries')} could not be read`)];
  },
  'chunk.failed': (data, state) => {
    if (state.stopping) return [info(`CHUNK ${data.chunk} stopped: ${printable(data.reason)}`)];
    const text = `CHUNK ${data.chunk} attempt ${data.attempt} failed: ${printable(data.reason)}`;
    return [data.willRetry ? warning(`${text}; it is tried again`) : alarm(`${text}; no attempt is left`)];
  },
  'worker.tuned': (data) => [
    info(`CHUNK ${data.chunk}: ${plural(data.directoriesAtOnce, 'directory', 'directories')} at once`),
  ],
};
