import { JournalError } from '../journal/errors.js';
import { isOfTheFile } from '../journal/read-around.js';

/**
 * What a record says, or null where this journal does not let us know: its disk does not give the bytes, or a newer
 * program wrote them. Both are told of already by whoever asks this for a better word.
 */
export async function ifKnown<T>(look: () => Promise<T | null>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (isOfTheFile(error) || (error instanceof JournalError && error.code === 'newer-version')) return null;
    throw error;
  }
}
