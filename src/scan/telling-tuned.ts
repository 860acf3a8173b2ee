import type { AttemptObserver } from './observer.js';
import type { ScanJournal } from './scan-journal.js';

/** Also says in the coordinator's own journal what a worker found best by measuring. */
export function tellingTuned(
  observer: AttemptObserver,
  journal: ScanJournal,
  track: (work: Promise<void>) => void,
): AttemptObserver {
  return {
    recorded: (event, header) => {
      observer.recorded(event, header);
      if (event.type !== 'walk.tuned') return;
      const { chunk, directoriesAtOnce } = event.data;
      track(journal.append('worker.tuned', { chunk, directoriesAtOnce }));
    },
  };
}
