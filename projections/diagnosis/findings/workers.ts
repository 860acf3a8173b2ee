import { formatBytes, plural } from '../../text.js';
import { findingOf, wordsOf, type FindingContext } from '../context.js';
import type { IncidentGroup } from '../incidents.js';
import type { Finding } from '../types.js';

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
    const limit = context.commands.option('memoryBytes');
    const bytes = typeof limit === 'number' ? limit : null;
    const more = bytes === null ? '1g' : `${Math.max(256, Math.ceil((bytes * 2) / 1024 ** 2))}m`;
    return {
      title: `${workers(context, group)} ${was(group)} killed for using up the memory limit${bytes === null ? '' : ` of ${formatBytes(bytes)}`}`,
      advice: [
        'See what memory is free: `free -h`',
        `Give each worker more memory: \`${context.commands.scan({ '--memory': more })}\``,
        `Or let fewer run at once: \`${context.commands.scan({ '--max-containers': '2', '--memory': null })}\``,
      ],
    };
  });
}

function startTimeout(context: FindingContext): Finding[] {
  return findingOf(context, 'container.start-timeout', (group) => ({
    title: `${workers(context, group)} did not start in time`,
    advice: [
      'See what the host is busy with: `uptime; free -h`',
      `Give a start more time and start fewer at once: \`${context.commands.scan({ '--start-timeout': '120', '--max-containers': '2' })}\``,
    ],
  }));
}

function startFailed(context: FindingContext): Finding[] {
  return findingOf(context, 'container.start-failed', (group) => ({
    title: `${workers(context, group)} could not be started: ${wordsOf(context, group)}`,
    advice: [
      `Paste the worker's full command from the log to see it fail: \`grep -A1 requested ${context.commands.dataDir}/smart_scan_*.log | tail -2\``,
      `When it starts, scan again: \`${context.commands.scan()}\``,
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
      'See what the host is busy with: `uptime; free -h`',
      ...stopFirst(context),
      `Let workers that hang be started again: \`${context.commands.scan({ '--stall-action': 'restart', '--stall-timeout': '600' })}\``,
    ],
  }));
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
  return findingOf(context, 'container.failed', (group) => ({
    title: `${workers(context, group)} ended badly: ${wordsOf(context, group) || 'without a word'}`,
    advice: [
      `Read the last lines of each in the log: \`grep -A52 "Exit analysis" ${context.commands.dataDir}/smart_scan_*.log | tail -60\``,
      `Start the same scan again; complete chunks are not scanned twice: \`${context.commands.scan()}\``,
    ],
  }));
}
