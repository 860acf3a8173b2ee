import { endWithParent } from '../end-with-parent.js';
import { AsyncLister } from './async-lister.js';
import { listingContext } from './listing.js';
import type { DirectoryJob, ListerOptions } from './protocol.js';

/** The program of a listing process: takes jobs and answers as AsyncLister does, until its channel closes. */
export type HelperRequest = { jobs: DirectoryJob[]; atOnce: number } | { acknowledged: true };

const options = JSON.parse(process.argv[2] ?? '{}') as ListerOptions;
const lister = new AsyncLister(listingContext(options), (answer) => {
  process.send?.(answer, () => undefined); // a worker that is gone is noticed by `disconnect`
});

process.on('message', (request: HelperRequest) => {
  if ('jobs' in request) lister.list(request.jobs, request.atOnce);
  else lister.acknowledge();
});
endWithParent();
// Its worker decides when it ends.
process
  .on('SIGTERM', () => undefined)
  .on('SIGINT', () => undefined)
  .on('SIGUSR2', () => undefined);
