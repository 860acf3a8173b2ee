import { fork, type ChildProcess } from 'node:child_process';
import { childEnvironment } from './child-environment.js';

/**
 * Starts a program of ours that may come to hang in the kernel and is then left behind.
 * @param threads for its calls: those that hang must not use them all up
 */
export function forkHelper(program: URL, args: readonly string[], threads: number): ChildProcess {
  return fork(program, args, {
    // Its output must never be waited for: it may be stuck in the kernel for ever.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    env: childEnvironment({ UV_THREADPOOL_SIZE: String(threads) }),
  });
}
