import type { Scanner } from '../src/scan/scanner.js';
import { EXIT } from './exit-codes.js';

/**
 * The first signal stops the scan in order, the second at once.
 * @param onForced called before the process ends at the second
 */
export function handleSignals(scanner: Scanner, onForced: () => void): { release(): void } {
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => {
    const handler = (): void => {
      if (scanner.interruptedBy === null) {
        scanner.interrupt(signal);
        return;
      }
      const code = scanner.interruptedBy === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
      // Whoever asks twice does not wait: workers get their SIGKILL, the journal is sound as it is.
      void Promise.race([scanner.kill(), new Promise((resolve) => setTimeout(resolve, 1000))]).finally(() => {
        onForced();
        process.exit(code);
      });
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return {
    release: () => {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
