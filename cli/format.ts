const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** `1,234,567` */
export function formatCount(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/** `12.3 GB`, in powers of 1000 as disks are sold. */
export function formatBytes(value: number | bigint): string {
  let amount = Number(value);
  let unit = 0;
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : 1;
  return `${amount.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** `0:00:07`, `12:03:44`, `3d 04:00:00` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const clock = `${String(minutes).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
  return days > 0 ? `${days}d ${String(hours).padStart(2, '0')}:${clock}` : `${hours}:${clock}`;
}

/** `s` where the count wants one. */
export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${Number(count) === 1 ? one : many}`;
}

/** Shortens a path to a width, keeping its end: that is where paths differ. */
export function shortenPath(path: string, width: number): string {
  return path.length <= width ? path : `…${path.slice(path.length - width + 1)}`;
}
