import { displayPath, plural, printable } from '../text.js';
import { info, warning, type LogHandlers } from './state.js';

/** Problems of single entries that are logged one by one; the totals of the chunk count the rest. */
const UNREADABLE_LINES_MAX = 50;

export const writerLines: LogHandlers = {
  'cleanup.started': ({ containers }) => [
    info(`CLEANUP: ${plural(containers, 'container')} of a coordinator that is gone`),
  ],
  'journal.repaired': (data) => [
    info(
      `JOURNAL repaired: bytes ${data.fromByte} to ${data.toByte} of ${printable(data.file)} moved to ` +
        printable(data.quarantine),
    ),
  ],
  'catalog.imported': (data) => [
    info(`DATABASE: ${plural(data.rows, 'row')} of the former catalog ${displayPath(data.path)} taken over`),
  ],
  'files.batch': (data, state) => {
    const lines = [];
    for (const directory of data.directories) {
      for (const problem of directory.problems) {
        state.unreadable += 1;
        if (state.unreadable > UNREADABLE_LINES_MAX) continue;
        const path = displayPath(directory.path);
        const name = displayPath(problem.name);
        lines.push(
          warning(
            `Could not read ${name === '' ? path : `${path}/${name}`}: ` +
              `${printable(problem.operation)} gave ${printable(problem.code)}`,
          ),
        );
      }
    }
    return lines;
  },
};
