import { usageError } from './errors.js';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** @throws CommandError with exit code 2 where the text cannot be a scan's id */
export function checkScanId(text: string): string {
  const id = text.toUpperCase();
  if (!ULID.test(id)) throw usageError(`${text} is no scan's id`, 'nas-scanner scans lists them');
  return id;
}

/** @throws CommandError with exit code 2 where the journal has no such scan */
export function checkKnown(scans: readonly string[], wanted: string | undefined, dataDir: string): void {
  if (wanted === undefined || scans.includes(wanted)) return;
  throw usageError(`the journal in ${dataDir} has no scan ${wanted}`, 'nas-scanner scans lists them');
}

/** For an option that may be given several times. */
export function collectScanIds(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), checkScanId(text)];
}

/** A scan's id, or a time in ISO 8601. */
export function checkUntil(text: string): string {
  if (ULID.test(text.toUpperCase())) return text.toUpperCase();
  if (!/^\d{4}-\d\d/.test(text) || Number.isNaN(Date.parse(text))) {
    throw usageError(`${text} is neither a scan's id nor a time`, 'a time looks like 2026-11-23T18:11:02Z');
  }
  return text;
}
