/** Set by an engine whose workers must not outlive the coordinator: it holds the other end of stdin. */
const PARENT_VARIABLE = 'NAS_SCANNER_PARENT';

/** What the coordinator may tell a running worker. */
export interface Orders {
  /** Resolves (with null) on SIGTERM or SIGINT, or when the coordinator is gone. */
  readonly stopped: Promise<null>;
  /** Called at SIGUSR2, at once when it came before. */
  onYield(listener: () => void): void;
  close(): void;
}

export function watchOrders(): Orders {
  let onYield = (): void => undefined;
  let yielded = false;
  let stop = (): void => undefined;
  const stopped = new Promise<null>((resolve) => {
    stop = () => resolve(null);
  });
  const giveAway = (): void => {
    yielded = true;
    onYield();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGUSR2', giveAway);
  const watchesParent = process.env[PARENT_VARIABLE] === '1';
  if (watchesParent) process.stdin.on('end', stop).on('error', stop).on('close', stop).resume();
  return {
    stopped,
    onYield: (listener) => {
      onYield = listener;
      if (yielded) listener();
    },
    close: () => {
      // Signals stay handled to the very end: SIGUSR2 that comes late would kill a worker whose work is done.
      if (watchesParent) process.stdin.destroy();
    },
  };
}
