import type { Io } from '../../cli/io.js';

/** Catches what a command says; no terminal. */
export class FakeIo implements Io {
  stdout = '';
  stderr = '';
  object: unknown = null;
  readonly quiet = false;
  readonly stdoutIsTty = false;
  readonly stderrIsTty = false;
  readonly colour = false;
  readonly wantsJson: boolean;
  readonly columns: number;

  constructor(wantsJson = false, columns = 80) {
    this.wantsJson = wantsJson;
    this.columns = columns;
  }

  out(text: string): void {
    if (!this.wantsJson) this.stdout += text;
  }
  err(text: string): void {
    this.stderr += text;
  }
  json(value: unknown): void {
    if (this.wantsJson) this.object = JSON.parse(JSON.stringify(value));
  }
}
