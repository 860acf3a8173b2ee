import { plural } from '../../text.js';
import { findingOf, wordsOf, type FindingContext, type FindingText } from '../context.js';
import type { Finding } from '../types.js';

/** The container engine and what it was asked for: one cause behind however many failed starts. */
export function engineFindings(context: FindingContext): Finding[] {
  return [
    ...unreachable(context),
    ...lost(context),
    ...diskFull(context),
    ...imageMissing(context),
    ...overcommitted(context),
    ...untranslatable(context),
  ];
}

function without(context: FindingContext): string {
  return `Or scan without Docker: \`${context.commands.scan({ '--engine': 'process' })}\``;
}

/** Words of an engine that is there, for others. */
const DENIED = /EACCES|EPERM|permission denied/i;
const START = 'Start it (Unraid: Settings > Docker > Enable Docker): `systemctl start docker`';

function unreachable(context: FindingContext): Finding[] {
  return findingOf(context, 'docker.unreachable', (group) => ({
    title: `Docker does not answer: ${wordsOf(context, group).replace(/^Docker does not answer: /, '')}`,
    advice: [
      'See whether it runs: `docker info`',
      ...(DENIED.test(wordsOf(context, group))
        ? ['Let the user the scan runs as use its socket: run the scanner as root, or join the group docker']
        : [
            START,
            'See that DOCKER_HOST, where it is set, names its socket: `echo "$DOCKER_HOST"`',
            'Where the scanner runs in a container, hand it the socket: -v /var/run/docker.sock:/var/run/docker.sock',
          ]),
      `Then scan again: \`${context.commands.scan()}\``,
      without(context),
    ],
  }));
}

function lost(context: FindingContext): Finding[] {
  const { facts, verdict, commands } = context;
  const isAway = facts.attempts.engineLost;
  const runs = verdict === 'running';
  return findingOf(context, 'docker.lost', (group) => ({
    title: `Docker stopped answering during the scan${isAway ? ' and has not come back' : ''}: ${wordsOf(context, group)}`,
    ...(runs && !isAway ? { severity: 'info' } : {}),
    advice: [
      'See whether it runs again: `docker info`',
      'See why it stopped: `journalctl -u docker --since "1 day ago" | tail -50`',
      START,
      runs
        ? `The scan goes on by itself when it answers; look again: \`${commands.own('status')}\``
        : `Start the same scan again; it goes on where it was: \`${commands.scan()}\``,
    ],
  }));
}

function diskFull(context: FindingContext): Finding[] {
  return findingOf(context, 'docker.disk-full', (group) => ({
    title: `Docker's own disk is full: ${wordsOf(context, group)}`,
    advice: [
      'See what fills it: `docker system df`',
      'Remove what is left of images that were built again: `docker image prune --force`',
      'Where that is not enough, remove images and containers that you do not need, or give Docker a larger disk (Unraid: Settings > Docker)',
      `Then start the same scan again: \`${context.commands.scan()}\``,
      without(context),
    ],
  }));
}

function imageMissing(context: FindingContext): Finding[] {
  const { image } = context.commands;
  return findingOf(context, 'image.missing', (group) => ({
    title: `The image ${context.show.words(image)} is not there, so ${group.count === 1 ? 'a worker' : `${plural(group.count, 'start')} of workers`} failed`,
    advice: [
      `Build it in the scanner's folder (without Node on this host: as the README says): \`${context.commands.build}\``,
      `See whether it starts: \`docker run --rm ${image} echo test\``,
      `Then scan again: \`${context.commands.scan()}\``,
      without(context),
    ],
  }));
}

function overcommitted(context: FindingContext): Finding[] {
  return findingOf(context, 'resources.overcommitted', (group) => ({
    title: `Workers were to get more than the host has: ${wordsOf(context, group)}`,
    advice: [
      'See what there is: `nproc; free -h`',
      `Leave the share to the scanner: \`${context.commands.scan({ '--cpus': null, '--memory': null })}\``,
      `Or let fewer run at once: \`${context.commands.scan({ '--cpus': null, '--memory': null, '--max-containers': '4' })}\``,
    ],
  }));
}

/** A mount whose name the image needs for itself, which no -v can change. */
const HIDES_IMAGE = /would hide the image/;

function untranslatable(context: FindingContext): Finding[] {
  return findingOf(context, 'path.untranslatable', (group) => {
    const words = wordsOf(context, group);
    return HIDES_IMAGE.test(words) ? hidesImage(context, words) : unknownOutside(context, words);
  });
}

function hidesImage({ commands }: FindingContext, words: string): FindingText {
  return {
    title: `A container cannot see this path at its own place: ${words}`,
    advice: [
      `Scan it without containers: \`${commands.scan({ '--engine': 'process' })}\``,
      'Or scan folders below it, each under a name of its own',
    ],
  };
}

function unknownOutside(context: FindingContext, words: string): FindingText {
  return {
    title: `Docker does not know a path by the name that the scanner has for it: ${words}`,
    advice: [
      'See what containers are given: `docker ps --no-trunc --format "{{.Names}}: {{.Mounts}}"`',
      `Mount ${context.commands.mount} and ${context.commands.dataDir} into the scanner's container, best under the names they have on the host (-v NAME:NAME)`,
      'Where they are there, but Docker calls them otherwise, say so with --host-path INSIDE=OUTSIDE, or in the environment with NAS_SCANNER_HOST_PATH',
      `Then scan again: \`${context.commands.scan()}\``,
    ],
  };
}
