/** Characters of one log line that are kept: a line is for people, and an exit with fifty stays far below a record's limit. */
const LINE_CHARS_MAX = 1000;

/** A line of a worker's log as the journal keeps it; what was cut off is shown by `…`. */
export function logLine(text: string): string {
  return text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)}…` : text;
}
