import { usageError } from './errors.js';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether a text has the form of a scan's id. */
export function isScanId(text: string): boolean {
  return ULID.test(text.toUpperCase());
}

/** @throws CommandError with exit code 2 where the text cannot be a scan's id */
export function checkScanId(text: string): string {
  if (text === '') throw usageError('--scan must not be empty');
  if (!isScanId(text)) throw usageError(`${text} is no scan's id`, 'nas-scanner scans lists them');
  return text.toUpperCase();
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
