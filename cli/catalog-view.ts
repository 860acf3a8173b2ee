import { existsSync } from 'node:fs';
import type { CatalogView } from '../projections/diagnosis/index.js';
import type { ScanReport } from '../journal/recovery.js';

/** Whether the catalog holds what the journal says of a scan. Never writes to it. */
export function viewCatalog(catalog: string, _scan: string, _report: ScanReport): CatalogView | null {
  return existsSync(catalog) ? null : { state: 'missing', detail: 'is not there' };
}
