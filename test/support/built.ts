import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where tests put the programs that they build, each once for the whole run. */
    built: string;
  }
}

/** Runs once for all test files: theirs end without a word, so that none of them could remove what they share. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'nas-scanner-built-'));
  project.provide('built', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
