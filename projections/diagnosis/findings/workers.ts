import { formatBytes, plural } from '../../text.js';
import { findingOf, wordsOf, type FindingContext } from '../context.js';
import type { IncidentGroup } from '../incidents.js';
import type { Finding } from '../types.js';

/** A worker does well with this; what was killed with more needs twice as much. */
const MEMORY_ADVISED_MIN = 256 * 1024 ** 2;
/** Of the host's memory, what all workers together are given. */
const MEMORY_SHARE = 0.75;
const DIRECTORIES_NAMED_MAX = 3;
const START_ADVISED_MIN_S = 120;
/** A start that was too slow gets so many times as long. */
const START_LONGER = 4;

/** How workers ended that did not end well. */
export function workerFindings(context: FindingContext): Finding[] {
  return [
    ...outOfMemory(context),
    ...startTimeout(context),
    ...startFailed(context),
    ...killed(context),
    ...unresponsive(context),
    ...stalled(context),
    ...failed(context),
  ];
}

/** `2 workers` or, with Docker, `2 worker containers`. */
function workers(context: FindingContext, group: IncidentGroup): string {
  return plural(
    group.count,
    context.facts.attempts.engineKind === 'process' ? 'worker process' : 'worker container',
    context.facts.attempts.engineKind === 'process' ? 'worker processes' : 'worker containers',
  );
}

function was(group: IncidentGroup): string {
  return group.count === 1 ? 'was' : 'were';
}

function outOfMemory(context: FindingContext): Finding[] {
  return findingOf(context, 'container.oom-killed', (group) => {
    const asked = context.commands.option('memoryBytes');
    const limit = context.facts.attempts.memoryLimitBytes ?? (typeof asked === 'number' ? asked : null);
    return {
      title: `${workers(context, group)} ${was(group)} killed for using up the memory limit${limit === null ? '' : ` of ${formatBytes(limit)}`}`,
      advice: [
        'See what memory is free: `free -h`',
        `Give each worker more memory: \`${context.commands.scan(moreMemory(context, limit))}\``,
        ...poison(context, group),
      ],
    };
  });
}

/** Twice the limit, and no more workers at once than fit into the host's memory with it: above that it is clamped. */
function moreMemory(context: FindingContext, limit: number | null): Record<string, string> {
  const bytes = Math.max(MEMORY_ADVISED_MIN, 2 * (limit ?? 0));
  const hostBytes = context.facts.runs.at(-1)?.host.memoryBytes ?? 0;
  const fitting = Math.max(1, Math.floor((hostBytes * MEMORY_SHARE) / bytes));
  const workersMax = Number(context.commands.option('maxContainers') ?? 1);
  return {
    '--memory': `${Math.ceil(bytes / 1024 ** 2)}m`,
    ...(fitting < workersMax ? { '--max-containers': String(fitting) } : {}),
  };
}

function startTimeout(context: FindingContext): Finding[] {
  const { commands } = context;
  const seconds = Number(commands.option('startTimeoutMs') ?? 0) / 1000;
  const longer = Math.max(START_ADVISED_MIN_S, START_LONGER * Math.ceil(seconds));
  const fewer = Math.min(2, Number(commands.option('maxContainers') ?? 2));
  const changes = { '--start-timeout': String(longer), '--max-containers': String(fewer) };
  return findingOf(context, 'container.start-timeout', (group) => ({
    title: `${workers(context, group)} did not start in time`,
    advice: [
      'See what the host is busy with: `uptime; free -h`',
      `Give a start more time and start fewer at once: \`${commands.scan(changes)}\``,
    ],
  }));
}

function startFailed(context: FindingContext): Finding[] {
  return findingOf(context, 'container.start-failed', (group) => ({
    title: `${workers(context, group)} could not be started: ${wordsOf(context, group)}`,
    advice: [
      ...buildAgain(context),
      `See the full command of the worker: \`grep -A1 requested ${context.commands.dataDir}/smart_scan_*.log | tail -2\``,
      `Then scan again: \`${context.commands.scan()}\``,
    ],
  }));
}

function killed(context: FindingContext): Finding[] {
  return findingOf(context, 'container.killed', (group) => ({
    title: `${workers(context, group)} ${was(group)} killed or removed from outside`,
    advice: [
      'See whether the system did it for want of memory: `dmesg | grep -i "killed process"`',
      `Start the same scan again; it goes on where it was: \`${context.commands.scan()}\``,
    ],
  }));
}

function unresponsive(context: FindingContext): Finding[] {
  return findingOf(context, 'container.unresponsive', (group) => ({
    title: `A worker did not answer ${plural(group.count, 'health check')}`,
    advice: [
      ...(usesContainers(context)
        ? [
            `See what they are doing: \`docker ps --filter name=smart-scan\``,
            `Let those go on that somebody paused: \`docker ps -q --filter name=smart-scan --filter status=paused | xargs -r docker unpause\``,
          ]
        : []),
      'See what the host is busy with: `uptime; free -h`',
      ...(context.verdict === 'running'
        ? [`Look again: \`${context.commands.own('diagnose')}\``]
        : [`Start the same scan again; it goes on where it was: \`${context.commands.scan()}\``]),
    ],
  }));
}

/**
 * Where workers end each time: what failed although it was cut until nothing but one directory was left. Whatever is in
 * it has to be looked at; no other scan would do better. Where no worker did well, it is not for a directory's sake.
 */
function poison({ facts, commands, show }: FindingContext, group: IncidentGroup): string[] {
  if (![...facts.chunks.values()].some(({ state }) => state === 'completed')) return [];
  const found = [...group.chunks].flatMap((id) => {
    const chunk = facts.chunks.get(id);
    const isAlone = chunk?.state === 'failed' && chunk.reason === 'split' && chunk.rootsCount === 1;
    return isAlone ? chunk.roots.map(({ path }) => path) : [];
  });
  const [first] = found;
  if (first === undefined) return [];
  const named = found.slice(0, DIRECTORIES_NAMED_MAX).map(show.path).join(', ');
  const more = found.length > DIRECTORIES_NAMED_MAX ? ', …' : '';
  return [
    `Workers end each time in ${named}${more}: mend what is there, or leave it out with --exclude: \`ls -la ${commands.path(first)}\``,
  ];
}

function usesContainers({ facts }: FindingContext): boolean {
  return facts.started?.engine === 'docker';
}

/** Where containers of an image come to nothing, it may be broken, or of another version than the scanner. */
function buildAgain(context: FindingContext): string[] {
  if (!usesContainers(context)) return [];
  const { image, build } = context.commands;
  return [
    `See whether the image starts: \`docker run --rm ${image} echo test\``,
    `Where that fails, or the image is of another version, build it again in the scanner's folder: \`${build}\``,
  ];
}

/** Two scans do not share a data directory. */
function stopFirst({ verdict }: FindingContext): string[] {
  return verdict === 'running' ? ['Stop this scan (Ctrl-C, or SIGTERM); what it has recorded is kept'] : [];
}

function stalled(context: FindingContext): Finding[] {
  return findingOf(context, 'worker.stalled', (group) => ({
    title: `Workers of ${plural(Math.max(1, group.chunks.size), 'chunk')} recorded nothing for too long`,
    advice: [
      `See whether the mount answers: \`timeout 10 ls ${context.commands.mount}\``,
      ...stopFirst(context),
      `Let workers that hang be started again: \`${context.commands.scan({ '--stall-action': 'restart', '--stall-timeout': '600' })}\``,
    ],
  }));
}

function failed(context: FindingContext): Finding[] {
  const { commands, facts, show } = context;
  return findingOf(context, 'container.failed', (group) => {
    const checksums = facts.checks.get('checksums')?.data;
    if (checksums?.ok === false) {
      const words = show.words(checksums.detail);
      return {
        title: words.charAt(0).toUpperCase() + words.slice(1),
        advice: [
          `Install what is missing (npm ci brings the packages, the system its libraries), then scan again: \`${commands.scan()}\``,
          `Or do with sampled checksums: \`${commands.scan({ '--checksum': 'sampled', '--fresh': '' })}\``,
        ],
      };
    }
    const where = poison(context, group);
    return {
      title: `${workers(context, group)} ended badly: ${wordsOf(context, group) || 'without a word'}`,
      advice: [
        `Read the last lines of each in the log: \`grep -A52 "Exit analysis" ${context.commands.dataDir}/smart_scan_*.log | tail -60\``,
        ...(where.length > 0 ? where : buildAgain(context)),
        `Start the same scan again; complete chunks are not scanned twice: \`${context.commands.scan()}\``,
      ],
    };
  });
}
