import { AsyncLister } from '../../src/walk/async-lister.js';
import { Frontier } from '../../src/walk/frontier.js';
import type { ListingContext } from '../../src/walk/listing.js';
import type { ListerAnswer, ListerOptions } from '../../src/walk/protocol.js';

/** What a lister takes of a task with nothing special. */
export function listerOptions(mountPath: string, checksum: ListerOptions['checksum']): ListerOptions {
  return {
    chunk: 1,
    attempt: 1,
    mountPath,
    mountDevice: null,
    checksum,
    exclude: [],
    excludeDirectories: [],
    oneFileSystem: false,
    ioTimeoutMs: 60_000,
  };
}

/** Drives a lister of the asynchronous kind over a whole mount as a walk does, with so many directories at once. */
export async function listAtOnce(context: ListingContext, atOnce: number): Promise<ListerAnswer[]> {
  const frontier = new Frontier([{ path: context.options.mountPath, scope: 'subtree' }], () => false);
  const answers: ListerAnswer[] = [];
  let out = 0;
  await new Promise<void>((resolve) => {
    const pump = (): void => {
      const jobs = frontier.take(atOnce - out);
      out += jobs.length;
      if (jobs.length > 0) lister.list(jobs, atOnce);
      else if (out === 0) resolve();
    };
    const lister = new AsyncLister(context, (answer) => {
      answers.push(answer);
      if (answer.data !== null) lister.acknowledge();
      out -= answer.done.length;
      for (const group of answer.found) frontier.add(group);
      pump();
    });
    pump();
  });
  return answers;
}
