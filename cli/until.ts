import type { Until } from './command-options.js';
import { usageError } from './errors.js';
import { isScanId } from './scan-id.js';

/** A day or a time of ISO 8601, `T` or a space between them; hours and minutes of the zone with or without a colon. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i;
const ZONE = /^([+-]\d\d):?(\d\d)$/;

/**
 * What `--until` takes: a scan's id, or a time. Without a zone it is local time; a day alone is its beginning.
 * @throws CommandError with exit code 2 for anything else, also for a day that no calendar has
 */
export function checkUntil(text: string): Until {
  if (text === '') throw usageError('--until must not be empty');
  if (isScanId(text)) return { scan: text.toUpperCase() };
  const timeMs = timeOf(text);
  if (timeMs !== null) return { timeMs };
  throw usageError(
    `--until ${text} makes no sense: it takes a scan's id or a time`,
    'a time looks like 2026-11-23T18:11:02Z, or like 2026-11-23 18:11 where local time is meant',
  );
}

/** ms since 1970; null where the text is no time. */
function timeOf(text: string): number | null {
  const [, year, month, day, hours = '00', minutes = '00', seconds = '00', fraction = '', zone = ''] =
    TIME.exec(text) ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const date = `${year}-${month}-${day}`;
  // A day that its month does not have becomes one of the next.
  const midnight = Date.parse(date);
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) return null;
  const time = `${hours}:${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const timeMs = Date.parse(`${date}T${time}${zone.toUpperCase().replace(ZONE, '$1:$2')}`);
  return Number.isNaN(timeMs) ? null : timeMs;
}
