import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

const SOURCE = join(import.meta.dirname, 'latencyfs.c');
const MOUNT_TIMEOUT_MS = 10_000;
const LOOK_MS = 20;

/** Whether FUSE mounts can be made here: a compiler, libfuse 3 and the rights to mount. */
export const canMountFuse =
  process.getuid?.() === 0 &&
  existsSync('/dev/fuse') &&
  spawnSync('pkg-config', ['--exists', 'fuse3']).status === 0 &&
  spawnSync('gcc', ['--version']).status === 0;

/** Makes the program, where no other test file has done so. */
function build(): string {
  const out = join(inject('built'), 'latencyfs');
  if (existsSync(out)) return out;
  const mine = `${out}-${process.pid}`;
  const command = `gcc -O2 "${SOURCE}" -o "${mine}" $(pkg-config --cflags --libs fuse3)`;
  const done = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`latencyfs cannot be built: ${done.stderr}`);
  renameSync(mine, out);
  return out;
}

/** A folder seen through a FUSE mount that waits, hangs or fails on demand. */
export class LatencyMount {
  readonly #daemon: ChildProcess;
  readonly point: string;

  private constructor(daemon: ChildProcess, point: string) {
    this.#daemon = daemon;
    this.point = point;
  }

  /** @param faults `LATENCY_MS`, `LATENCY_HANG`, `LATENCY_EIO`, …: see latencyfs.c */
  static async open(source: string, point: string, faults: Record<string, string>): Promise<LatencyMount> {
    mkdirSync(point, { recursive: true });
    const cached = 'ro,allow_other,entry_timeout=30,attr_timeout=30';
    // What is written must be seen at once by every process.
    const options =
      faults['LATENCY_WRITE'] === undefined ? cached : 'allow_other,attr_timeout=0,entry_timeout=0';
    const args = [point, '-f', '-o', options];
    const daemon = spawn(build(), args, {
      stdio: 'ignore',
      env: { ...process.env, LATENCY_SOURCE: source, ...faults },
    });
    const mount = new LatencyMount(daemon, point);
    for (let waitedMs = 0; !mount.#isMounted(); waitedMs += LOOK_MS) {
      if (waitedMs > MOUNT_TIMEOUT_MS) throw new Error(`latencyfs does not mount ${point}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return mount;
  }

  #isMounted(): boolean {
    return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${this.point} `);
  }

  /** SIGKILL: whoever is in the mount is released with an error, and so is whoever comes (ENOTCONN). */
  kill(): void {
    this.#daemon.kill('SIGKILL');
  }

  /** Nothing is answered any more, as where a server is gone; `close` ends that, too. */
  freeze(): void {
    this.#daemon.kill('SIGSTOP');
  }

  /** Ends the daemon first: whoever hangs in the mount is released with an error. */
  close(): void {
    this.kill();
    spawnSync('umount', ['-l', this.point]);
  }
}
