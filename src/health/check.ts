/** Codes of findings a check can lead to; they name the cause, as the diagnosis does. */
export type CheckCode =
  | 'scan.empty'
  | 'mount.missing'
  | 'mount.denied'
  | 'mount.lost'
  | 'data-dir.unwritable'
  | 'disk.full'
  | 'disk.low'
  | 'catalog.unwritable'
  | 'catalog.locked'
  | 'docker.unreachable'
  | 'docker.disk-full'
  | 'image.missing'
  | 'path.untranslatable'
  | 'container.start-failed'
  | 'container.start-timeout'
  | 'container.failed'
  | 'container.oom-killed'
  | 'resources.overcommitted';

/** One check of the preflight: the payload of `preflight.checked` and whether the scan may begin without it. */
export interface Check {
  check: string;
  ok: boolean;
  detail: string;
  /** What to do; `''` where there is nothing to do. With `ok` it is a warning. */
  advice: string;
  /** What it means for the diagnosis; null: all is well. */
  code: CheckCode | null;
  fatal: boolean;
  /** Of a mount that is there: its `st_dev`, decimal. */
  device?: string;
}

export function passed(check: string, detail: string): Check {
  return { check, ok: true, detail, advice: '', code: null, fatal: false };
}

/** All right for now, but its user should know. */
export function warned(check: string, code: CheckCode | null, detail: string, advice: string): Check {
  return { check, ok: true, detail, advice, code, fatal: false };
}

/** The scan cannot begin. */
export function failed(check: string, code: CheckCode | null, detail: string, advice: string): Check {
  return { check, ok: false, detail, advice, code, fatal: true };
}
