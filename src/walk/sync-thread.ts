import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { listingContext } from './listing.js';
import type { DirectoryJob, ListerOptions } from './protocol.js';
import { SyncLister } from './sync-lister.js';

/** The program of a listing thread: takes lists of jobs, answers as SyncLister does. */
const port = parentPort;
if (port === null) throw new Error('sync-thread: this runs as a worker thread only');
const { options, progress } = workerData as { options: ListerOptions; progress: Int32Array };
const lister = new SyncLister(listingContext(options), progress, (answer) => {
  // Handed over, not copied.
  port.postMessage(answer, answer.data === null ? [] : [answer.data.buffer as ArrayBuffer]);
});

port.on('message', (jobs: DirectoryJob[]) => {
  lister.list(jobs);
  // What waits already is taken without going back to sleep.
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    lister.list(next.message as DirectoryJob[]);
  }
});
