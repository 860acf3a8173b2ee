import type { EventData } from '../../journal/events/index.js';
import { codeOfWords } from './classify.js';
import { FINDING_CODES, type FindingCode } from './types.js';

/** What a check that passed may still have to say: the scan begins, but this may be why it goes badly. */
const WARNINGS: ReadonlySet<FindingCode> = new Set(['resources.overcommitted', 'disk.low']);

/** Which finding a check is: by the code it brings, else by its name and its words. Null: none of ours. */
export function codeOfCheck(data: EventData<'preflight.checked'>): FindingCode | null {
  const code = FINDING_CODES.find((each) => each === data['code']);
  if (data.ok) return code !== undefined && WARNINGS.has(code) ? code : null;
  return code ?? codeByName(data);
}

function codeByName(data: EventData<'preflight.checked'>): FindingCode | null {
  const name = data.check.toLowerCase();
  const words = `${data.detail} ${data.advice}`;
  const denied = /EACCES|EPERM|permission denied|not permitted|not readable|may not/i.test(words);
  if (/mount|path|share/.test(name) && !/host|translat/.test(name)) {
    if (/ENOTCONN|ESTALE|EIO|ENODEV|does not answer|transport endpoint|stale/i.test(words))
      return 'mount.lost';
    return denied ? 'mount.denied' : 'mount.missing';
  }
  if (/translat|host.?path/.test(name)) return 'path.untranslatable';
  if (/image/.test(name)) return 'image.missing';
  if (/space|disk|room/.test(name)) return /docker/.test(name) ? 'docker.disk-full' : spaceCode(words);
  if (/catalog|database|sqlite/.test(name))
    return /lock|busy/i.test(words) ? 'catalog.locked' : 'catalog.unwritable';
  if (/data.?dir|journal|writ/.test(name)) return spaceWords(words) ? 'disk.full' : 'data-dir.unwritable';
  if (/cpu|memory|resource/.test(name)) return 'resources.overcommitted';
  if (/docker|engine|daemon|socket/.test(name)) return codeOfWords(words) ?? 'docker.unreachable';
  if (/container|probe/.test(name)) return codeOfWords(words) ?? 'container.start-failed';
  return codeOfWords(words);
}

function spaceWords(words: string): boolean {
  return /ENOSPC|EDQUOT|no space left|is full/i.test(words);
}

function spaceCode(words: string): FindingCode {
  return spaceWords(words) ? 'disk.full' : 'disk.low';
}
