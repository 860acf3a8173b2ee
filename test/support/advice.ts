import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ENTRY, Place, Running, runJson, type Outcome } from './cli.js';

export interface ToldFinding {
  code: string;
  severity: 'info' | 'warning' | 'error';
  title: string;
  evidence: { file: string; seq: number | null; text: string }[];
  advice: string[];
  /** Codes of what it is the cause of. */
  explains: string[];
}

export interface ToldReport {
  verdict: string;
  findings: ToldFinding[];
  /** Codes that are more than information, the first one first. */
  serious: string[];
}

export interface AdviceOptions {
  env?: Record<string, string>;
  /** Goes before each command: `setpriv --reuid …`. */
  as?: string;
  /** Where commands are typed. */
  cwd?: string;
  /** Commands that must succeed; others look around, or may need a program that is not on this machine. */
  succeeding?: RegExp;
  /** What only a person can do, by a word of the advice that asks for it. */
  deeds?: readonly [word: RegExp, deed: () => void | Promise<void>][];
}

/** What a person would have to fill in first. */
const PLACEHOLDER = /\b(?:CONTAINER|DATA_DIR|FOLDER|INSIDE|OUTSIDE|PATH|NAME)\b/;
/** Not on every machine. */
const MAY_BE_ABSENT = /^(?:systemctl|journalctl|fuser|lsattr|findmnt)\b/;
const NOT_FOUND = /^bash: .*: command not found$/m;
const OUR_COMMANDS = /^nas-scanner (?:scan|replay)/;

/** A place with a shell in which `nas-scanner` is the built program, as in the README. */
export class AdvisedPlace extends Place {
  readonly #running: Running[] = [];
  #bin: string | null = null;

  /** What `nas-scanner` is in that shell. @param command goes before the arguments, in words of a shell */
  install(command = `'${process.execPath}' '${ENTRY}'`): string {
    this.#bin ??= mkdtempSync(join(tmpdir(), 'nas-scanner-bin-'));
    writeFileSync(join(this.#bin, 'nas-scanner'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    spawnSync('chmod', ['755', this.#bin]);
    return this.#bin;
  }

  /** What is set in every shell there. */
  protected get shellEnv(): Record<string, string> {
    return {};
  }

  /** What is begun ends with the place. */
  protected track(running: Running): Running {
    this.#running.push(running);
    return running;
  }

  /** A scan by one worker process at a time, long enough to be met in the middle of it. */
  begin(...more: string[]): Running {
    return this.track(new Running(this.scanArgs('--checksum', 'full', '--max-containers', '1', ...more)));
  }

  /** Kills what still runs, and waits for its end: until then it may use what the test has mounted. */
  async stop(): Promise<void> {
    this.#kill();
    await Promise.all(this.#running.map(({ ended }) => ended));
  }

  #kill(): void {
    for (const { child } of this.#running) child.kill('SIGKILL');
  }

  override remove(): void {
    this.#kill();
    super.remove();
    if (this.#bin !== null) rmSync(this.#bin, { recursive: true, force: true });
    this.#bin = null;
  }

  /** What `diagnose` says of the last scan, each finding with its proof. */
  async diagnosed(options: { live?: boolean } = {}): Promise<ToldReport> {
    const args = this.args('diagnose', ...(options.live === true ? [] : ['--offline']));
    const report = await runJson(args, 0, { env: this.shellEnv });
    const findings = report['findings'] as ToldFinding[];
    for (const { code, severity, evidence, advice } of findings) {
      expect(evidence.length, `proof of ${code}`).toBeGreaterThan(0);
      if (severity !== 'info') expect(advice.length, `advice for ${code}`).toBeGreaterThan(0);
    }
    const serious = findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);
    return { verdict: String(report['verdict']), findings, serious };
  }

  /**
   * Does what the first finding advises, in its order: runs each command as it stands there, and the deeds that its
   * words ask for. Alternatives (`Or …`) are left to who wants them. Our own commands must succeed.
   */
  async follow({ findings: [finding] }: ToldReport, options: AdviceOptions = {}): Promise<void> {
    const open = [...(options.deeds ?? [])];
    for (const line of finding?.advice ?? []) {
      if (line.startsWith('Or ')) continue;
      for (const deed of open.filter(([word]) => word.test(line))) {
        open.splice(open.indexOf(deed), 1);
        await deed[1]();
      }
      for (const [, command = ''] of line.matchAll(/`([^`]+)`/g)) await this.#command(command, options);
    }
    expect(
      open.map(([word]) => String(word)),
      'deeds that nothing in the advice asked for',
    ).toEqual([]);
  }

  /** Runs a command as a person would paste it. */
  paste(command: string, { env = {}, as = '', cwd }: AdviceOptions = {}): Promise<Outcome> {
    const path = `${this.#bin ?? this.install()}:${process.env['PATH'] ?? ''}`;
    const words = as === '' ? ['bash', '-c', command] : [...as.split(' '), 'bash', '-c', command];
    return new Promise((settle, reject) => {
      const [program = '', ...args] = words;
      const child = spawn(program, args, {
        env: { ...process.env, ...this.shellEnv, ...env, PATH: path },
        cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.once('error', reject);
      child.once('close', (code, signal) => {
        settle({ code, signal, stdout, stderr });
      });
    });
  }

  async #command(command: string, options: AdviceOptions): Promise<void> {
    // A look around may find nothing, or need a program that is not on this machine; it has to be a command, though.
    expect(command).not.toMatch(PLACEHOLDER);
    expect(spawnSync('bash', ['-n', '-c', command]).status, command).toBe(0);
    const outcome = await this.paste(command, options);
    if (!MAY_BE_ABSENT.test(command)) expect(outcome.stderr).not.toMatch(NOT_FOUND);
    if (!(options.succeeding ?? OUR_COMMANDS).test(command)) return;
    expect(outcome.code, `${command}\n${outcome.stderr.slice(-2000)}`).toBe(0);
  }

  /** The last scan is complete and nothing in it needs anybody. */
  async expectSound(): Promise<void> {
    expect(await this.diagnosed({ live: true })).toMatchObject({ verdict: 'complete', serious: [] });
  }
}
