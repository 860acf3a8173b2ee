import { catalogDigest } from '../../../projections/digest.js';
import { openForReading } from '../../../projections/open-catalog.js';

/** Of a catalog's file: of all that the journal determines, and of each table. */
export function digestOf(path: string): Record<string, string> {
  const database = openForReading(path);
  try {
    return catalogDigest(database);
  } finally {
    database.close();
  }
}
