import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { isAbort, statusOf, toEngineError } from './docker-errors.js';
import { LineSplitter } from './docker-logs.js';
import { EngineError } from './port.js';

/** Newest API this program was written against; the daemon may know only older ones. */
const API_VERSION_MAX = '1.51';
/** Any call that is not given a time of its own. */
export const CALL_TIMEOUT_MS = 15_000;
/** Grace after an abort for docker-modem to notice; then the call is left behind. */
const ABORT_GRACE_MS = 250;

export interface EngineVersion {
  version: string;
  apiVersion: string;
  /** `Docker`, or what else answers at the socket (Podman names itself). */
  product: string;
}

/** What `/info` tells; null where a filtering proxy refuses the question. */
export interface EngineInfo {
  cpus: number;
  memoryBytes: number;
  cpuQuota: boolean;
  memoryLimit: boolean;
  pidsLimit: boolean;
  liveRestore: boolean;
  hasInit: boolean;
}

/** What the typings leave out: these calls take options too. */
interface AbortableDocker {
  version(options: Abortable): Promise<Docker.DockerVersion>;
  info(options: Abortable): Promise<Record<string, unknown>>;
  ping(options: Abortable): Promise<unknown>;
}
interface Abortable {
  abortSignal: AbortSignal;
}
function abortable(docker: Docker): AbortableDocker {
  return docker;
}

export interface DockerEvent {
  id: string;
  action: string;
}

/**
 * The only door to dockerode. Every call ends: with its answer, or as EngineError after its timeout,
 * whatever the connection does (docker-modem alone stays pending when an answer is cut short).
 */
export class DockerClient {
  readonly #docker: Docker;
  readonly #agent: Agent;

  private constructor(version?: string) {
    // No kept-alive sockets: after a daemon restart they would fail the first call that takes one.
    const tls =
      Boolean(process.env['DOCKER_TLS_VERIFY']) || (process.env['DOCKER_HOST'] ?? '').endsWith(':2376');
    this.#agent = tls ? new TlsAgent({ keepAlive: false }) : new Agent({ keepAlive: false });
    const options = { agent: this.#agent, ...(version === undefined ? {} : { version: `v${version}` }) };
    this.#docker = new Docker(options);
  }

  static #create(): DockerClient {
    try {
      return new DockerClient();
    } catch (cause) {
      // dockerode throws for an address it cannot read and for a certificate that is not there.
      throw new EngineError('unreachable', `find Docker: ${(cause as Error).message}`, {
        cause,
        hint: 'Correct DOCKER_HOST and DOCKER_CERT_PATH in the environment, or leave them out.',
      });
    }
  }

  /**
   * Connects where DOCKER_HOST says, else the default socket, and agrees on an API version.
   * @throws EngineError `unreachable`
   */
  static async connect(
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<{ client: DockerClient; version: EngineVersion }> {
    const first = DockerClient.#create();
    const raw = await first.call('ask Docker for its version', timeoutMs, (docker, abortSignal) =>
      abortable(docker).version({ abortSignal }),
    );
    const version: EngineVersion = {
      version: raw.Version,
      apiVersion: lower(raw.ApiVersion, API_VERSION_MAX),
      product: /podman/i.test(JSON.stringify(raw.Components)) ? 'Podman' : 'Docker',
    };
    return { client: new DockerClient(version.apiVersion), version };
  }

  /**
   * Runs one call within `timeoutMs`.
   * @throws EngineError; `unreachable` when the time is up or the connection fails
   */
  async call<T>(
    what: string,
    timeoutMs: number,
    run: (docker: Docker, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController();
    let grace: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    const late = new Promise<never>((_resolve, reject) => {
      grace = setTimeout(
        () => reject(new EngineError('unreachable', `${what}: Docker did not answer in time`)),
        timeoutMs + ABORT_GRACE_MS,
      );
    });
    try {
      return await Promise.race([run(this.#docker, abort.signal), late]);
    } catch (error) {
      throw toEngineError(error, what);
    } finally {
      clearTimeout(timer);
      clearTimeout(grace);
    }
  }

  /** Null where the question is not allowed. */
  async info(): Promise<EngineInfo | null> {
    try {
      return parseInfo(
        await this.call('ask Docker about its host', CALL_TIMEOUT_MS, (docker, abortSignal) =>
          abortable(docker).info({ abortSignal }),
        ),
      );
    } catch (error) {
      if (error instanceof EngineError && statusOf(error.cause) !== null) return null;
      throw error;
    }
  }

  /** Whether the daemon answers now. */
  async ping(timeoutMs: number): Promise<void> {
    await this.call('ping Docker', timeoutMs, (docker, abortSignal) =>
      abortable(docker).ping({ abortSignal }),
    );
  }

  /** Deaths of containers with our label, as they happen, until the stream breaks or `signal` aborts. */
  async *events(label: string, signal: AbortSignal): AsyncGenerator<DockerEvent> {
    const stream = (await this.#docker.getEvents({
      // Not by label: Podman hears nothing at all where a label is named without its value.
      filters: { type: ['container'], event: ['die', 'died', 'destroy', 'remove'] },
      abortSignal: signal,
    })) as unknown as Readable;
    const destroy = (): void => void stream.destroy();
    signal.addEventListener('abort', destroy, { once: true });
    const splitter = new LineSplitter();
    const decoder = new StringDecoder('utf8');
    try {
      for await (const chunk of stream) {
        for (const line of splitter.push(decoder.write(chunk as Buffer))) {
          const event = parseEvent(line, label);
          if (event !== null) yield event;
        }
      }
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) throw toEngineError(error, 'follow the events of Docker');
    } finally {
      signal.removeEventListener('abort', destroy);
      stream.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Null for what is not of a container with the label. */
function parseEvent(line: string, label: string): DockerEvent | null {
  try {
    const raw = JSON.parse(line) as {
      id?: string;
      status?: string;
      Action?: string;
      Actor?: { ID?: string; Attributes?: Record<string, string> };
    };
    const id = raw.Actor?.ID ?? raw.id;
    const isOurs = raw.Actor?.Attributes?.[label] !== undefined;
    return id === undefined || !isOurs ? null : { id, action: raw.Action ?? raw.status ?? '' };
  } catch {
    return null; // half a line of a daemon that died while it wrote; the next listing finds what it said
  }
}

function parseInfo(raw: Record<string, unknown>): EngineInfo {
  const number = (key: string): number => (typeof raw[key] === 'number' ? raw[key] : 0);
  return {
    cpus: number('NCPU'),
    memoryBytes: number('MemTotal'),
    cpuQuota: raw['CpuCfsQuota'] !== false,
    memoryLimit: raw['MemoryLimit'] !== false,
    pidsLimit: raw['PidsLimit'] !== false,
    liveRestore: raw['LiveRestoreEnabled'] === true,
    hasInit: raw['InitBinary'] !== '',
  };
}

/** The older of two API versions such as 1.41. */
function lower(a: string, b: string): string {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor) ? a : b;
}
