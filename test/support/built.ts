import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stopSharedEngine } from './shared-engine.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** For what is made once for the whole run (programs, the engine), and for places to scan in. */
    built: string;
  }
}

/** Runs once for all test files: theirs end without a word, so that none of them could remove what they share. */
export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-scanner-built-'));
  chmodSync(folder, 0o755); // some of what is started in there is not started by root
  project.provide('built', folder);
  // Not by Node: in there are paths longer than it can remove. What a test has left mounted is no file of ours.
  return async () => {
    await stopSharedEngine(folder);
    execFileSync('rm', ['-rf', '--one-file-system', '--', folder]);
  };
}
