import { closeSync, constants, openSync } from 'node:fs';
import { joinPath, nameBytes, systemPath } from './names.js';

/** The kernel takes paths of at most 4096 bytes, the NUL at their end included. */
const PATH_BYTES_MAX = 4095;
const NAME_BYTES_MAX = 255;
/** A directory with a longer path may hold names that make it too long. */
const DIRECTORY_BYTES_MAX = PATH_BYTES_MAX - NAME_BYTES_MAX - 1;
const O_PATH = 0o10000000;
const PLACE_FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** How a directory is reached: `path` stands for it in system calls, until `close`. */
export interface Place {
  path: string;
  close(): void;
}

const nothing = (): void => undefined;

/**
 * A way to a directory whose path may be longer than the kernel takes: it is opened piece by piece, each piece
 * from the one before through /proc/self/fd (there is no `openat` in Node).
 * @throws the system's error when a piece cannot be opened
 */
export function openPlace(path: string): Place {
  if (fitsAsItIs(path)) return { path, close: nothing };
  let file = -1;
  try {
    for (const piece of pieces(path)) {
      const from = file === -1 ? piece : `/proc/self/fd/${file}/${piece}`;
      const next = openSync(systemPath(from), PLACE_FLAGS);
      if (file !== -1) closeSync(file);
      file = next;
    }
  } catch (error) {
    if (file !== -1) closeSync(file);
    throw error;
  }
  return placeOf(file);
}

/** The same with `open` and `close` given, for callers that must not block. */
export async function openPlaceWith(
  path: string,
  open: (path: string | Buffer, flags: number) => Promise<number>,
): Promise<Place> {
  if (fitsAsItIs(path)) return { path, close: nothing };
  let file = -1;
  try {
    for (const piece of pieces(path)) {
      const from = file === -1 ? piece : `/proc/self/fd/${file}/${piece}`;
      const next = await open(systemPath(from), PLACE_FLAGS);
      if (file !== -1) closeSync(file);
      file = next;
    }
  } catch (error) {
    if (file !== -1) closeSync(file);
    throw error;
  }
  return placeOf(file);
}

function fitsAsItIs(path: string): boolean {
  return path.length * 3 <= DIRECTORY_BYTES_MAX || nameBytes(path).length <= DIRECTORY_BYTES_MAX;
}

/** Closing an O_PATH descriptor asks nothing of its file system. */
function placeOf(file: number): Place {
  // With the dot it is the directory itself, not the link in /proc that leads to it.
  return { path: `/proc/self/fd/${file}/.`, close: () => closeSync(file) };
}

/** Cuts a path at slashes into pieces that each stay below the limit, also behind `/proc/self/fd/N/`. */
function pieces(path: string): string[] {
  const made: string[] = [];
  let piece = path.startsWith('/') ? '/' : '';
  let pieceBytes = 0;
  for (const name of path.split('/')) {
    if (name === '') continue;
    const bytes = nameBytes(name).length + 1;
    if (pieceBytes + bytes > DIRECTORY_BYTES_MAX) {
      made.push(piece);
      piece = '';
      pieceBytes = 0;
    }
    piece = piece === '' ? name : joinPath(piece, name);
    pieceBytes += bytes;
  }
  made.push(piece);
  return made;
}

/** Directories an absolute path lies in, nearest first, up to and with `top`. */
export function ancestorsOf(path: string, top: string): string[] {
  const above: string[] = [];
  for (let at = path; at !== top && at !== '/';) {
    at = at.slice(0, Math.max(1, at.lastIndexOf('/')));
    above.push(at);
  }
  return above;
}
