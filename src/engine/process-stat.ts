import { readFileSync } from 'node:fs';

interface ProcessStat {
  state: string;
  /** Process id of the session's leader. */
  session: number;
  /** Kernel clock ticks. */
  cpuTicks: number;
}

/** A file of /proc/<pid>; null when the process is gone. */
export function aboutProcess(pid: string, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return null; // gone
  }
}

/** `stat` would count in pages, of a size that Node does not tell. Null for a process that is gone or was not reaped yet. */
export function residentBytes(pid: string): number | null {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(aboutProcess(pid, 'status') ?? '')?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

/** From /proc/<pid>/stat; null when the process is gone. @param pid or `self` */
export function processStat(pid: string): ProcessStat | null {
  const text = aboutProcess(pid, 'stat');
  if (text === null) return null;
  // The command's name may hold anything, so count from its closing parenthesis: field 3 is the state.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '',
    session: Number(fields[3]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
  };
}
