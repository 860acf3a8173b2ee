/**
 * Ends this helper process when whoever forked it has gone. By a signal, for an exit waits for all threads, and one of them
 * may hang in the kernel until its mount lets it go.
 */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
}
