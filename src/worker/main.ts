/** Runs one attempt at one chunk; resolves with the exit code. */
export function runWorker(taskFile: string): Promise<number> {
  return Promise.reject(new Error(`worker: not built yet (${taskFile})`));
}
