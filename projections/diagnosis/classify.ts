import type { EventData } from '../../journal/events/index.js';
import { MOUNT_GONE_CODES } from '../../journal/mount-codes.js';
import type { FindingCode } from './types.js';

/** A worker this close to its memory limit when last looked at was killed for it, whoever says otherwise. */
const NEAR_LIMIT = 0.95;
const KILLED = 137;
const ABORTED = 134;
const STOPPED = 143;
/** What a worker says once there is room again on a disk that was full. */
const WENT_ON = 'going on';

/** What engines and systems say, by the finding it points to: the nearest to the root first. */
const WORDS: readonly [RegExp, FindingCode][] = [
  [/path-untranslatable|untranslatable|no (?:host|outside) path/i, 'path.untranslatable'],
  [
    /image-missing|no such image|pull access denied|manifest unknown|image .{0,200} (?:not found|is missing)/i,
    'image.missing',
  ],
  [/start-timeout|did not start within|start timed out/i, 'container.start-timeout'],
  [
    /range of cpus|cpus? .{0,40}(?:available|exceed)|nanocpus|minimum memory limit|cannot allocate memory|resources? overcommit/i,
    'resources.overcommitted',
  ],
  [/bind source path does not exist/i, 'path.untranslatable'],
  [
    /docker[^\n]{0,200}(?:no space left|disk-full)|disk-full|no space left on device.{0,40}(?:overlay|containerd|docker)/i,
    'docker.disk-full',
  ],
  [
    /cannot connect to the docker|docker daemon|docker\.sock|unreachable|ECONNREFUSED|engine does not answer/i,
    'docker.unreachable',
  ],
];

/** What a system says of a mount that is gone: errno's name, or its words where libuv has no name for it. */
const MOUNT_GONE = new RegExp(
  [...MOUNT_GONE_CODES, 'transport endpoint', 'stale file handle'].join('|'),
  'i',
);

/** The finding that the words of a failed start point to. */
export function codeOfStartFailure(
  data: EventData<'container.start-failed'>,
  engineLost: boolean,
): FindingCode {
  const byReason: Record<string, FindingCode> = {
    'image-missing': 'image.missing',
    'start-timeout': 'container.start-timeout',
    'disk-full': 'docker.disk-full',
    'path-untranslatable': 'path.untranslatable',
    unreachable: engineLost ? 'docker.lost' : 'docker.unreachable',
  };
  const known = byReason[data.reason];
  if (known !== undefined) return known;
  if (engineLost) return 'docker.lost';
  if (/no space left|ENOSPC/i.test(data.detail)) return 'docker.disk-full';
  return codeOfWords(`${data.reason} ${data.detail}`) ?? 'container.start-failed';
}

/** The finding that any text points to; null when it says nothing known. */
export function codeOfWords(text: string): FindingCode | null {
  return WORDS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** What a worker's last lines say of the system under it; null when nothing known. */
function codeOfLogTail(logTail: readonly string[]): FindingCode | null {
  // A full disk that was waited out is not what it died of.
  const text = logTail.slice(logTail.lastIndexOf(WENT_ON) + 1).join('\n');
  if (/heap out of memory|ERR_WORKER_OUT_OF_MEMORY|Cannot allocate memory|ENOMEM/i.test(text))
    return 'container.oom-killed';
  const journal = /cannot write the journal|disk of the journal|no-segment|segment-dead/i.test(text);
  if (journal && /ENOSPC|EDQUOT|EFBIG|no space left|disk (?:of the journal )?is full|quota/i.test(text))
    return 'disk.full';
  if (journal && /EROFS|EACCES|EPERM|read-only|permission denied|not permitted/i.test(text))
    return 'data-dir.unwritable';
  if (journal) return 'journal.write-failed';
  return MOUNT_GONE.test(text) ? 'mount.lost' : null;
}

/** What was known about the attempt when it ended. */
export interface ExitContext {
  engineLost: boolean;
  /** It was restarted because it made no progress. */
  stalled: boolean;
  mountLost: boolean;
  memoryBytes: number | null;
  memoryLimitBytes: number | null;
}

/** The finding behind an exit; null for a good one. */
export function codeOfExit(
  exit: Pick<EventData<'container.exited'>, 'exitCode' | 'oomKilled' | 'error' | 'logTail'>,
  context: ExitContext,
): FindingCode | null {
  if (exit.oomKilled) return 'container.oom-killed';
  if (exit.exitCode === 0) return null;
  if (isHeld(exit)) return 'mount.lost';
  if (context.stalled) return context.mountLost ? 'mount.lost' : 'worker.stalled';
  const said = codeOfLogTail(exit.logTail);
  if (exit.exitCode === KILLED || exit.exitCode === ABORTED) {
    if (said === 'container.oom-killed' || nearLimit(context)) return 'container.oom-killed';
  }
  if (said !== null) return said;
  if (context.engineLost) return 'docker.lost';
  if (exit.exitCode === KILLED || exit.exitCode === STOPPED || exit.exitCode === null)
    return 'container.killed';
  if (context.mountLost) return 'mount.lost';
  return codeOfWords(exit.error) ?? 'container.failed';
}

/** Nothing but a mount that hangs holds a process that was sent SIGKILL. */
export function isHeld({ error }: Pick<EventData<'container.exited'>, 'error'>): boolean {
  return /stuck in the kernel/.test(error);
}

function nearLimit({ memoryBytes, memoryLimitBytes }: ExitContext): boolean {
  return memoryBytes !== null && memoryLimitBytes !== null && memoryBytes >= memoryLimitBytes * NEAR_LIMIT;
}
