import { setTimeout as sleep } from 'node:timers/promises';
import type { DockerClient } from './docker-client.js';
import type { EngineSignal } from './port.js';

/** A daemon that is frozen keeps its connections open and says nothing: only questions show it. */
const HEARTBEAT_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** First and longest wait before the next attempt to reach a lost daemon. */
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5_000;

type Listener = (signal: EngineSignal) => void;

/**
 * Follows the engine's events and tells when it is lost and back. Events that were missed meanwhile are not
 * asked for (the daemon keeps too few): after `regained` the listener lists anew.
 */
export class DockerWatch {
  readonly #client: DockerClient;
  readonly #label: string;
  readonly #listener: Listener;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;
  #lostAtMs: number | null = null;

  constructor(client: DockerClient, label: string, listener: Listener) {
    this.#client = client;
    this.#label = label;
    this.#listener = listener;
    this.#done = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MIN_MS;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#client.ping(HEARTBEAT_TIMEOUT_MS);
        this.#regained();
        retryMs = RETRY_MIN_MS;
        await this.#follow();
      } catch (error) {
        this.#lost(error instanceof Error ? error.message : String(error));
      }
      await this.#pause(retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    }
  }

  /** Until the stream ends or the heart stops; rejects with the reason. */
  async #follow(): Promise<void> {
    const round = new AbortController();
    const signal = AbortSignal.any([round.signal, this.#stop.signal]);
    try {
      const beat = this.#beat(signal);
      beat.catch(() => undefined); // also after the race is over, when the abort ends it
      await Promise.race([this.#read(signal), beat]);
    } finally {
      round.abort();
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    for await (const event of this.#client.events(this.#label, signal)) {
      this.#listener({ kind: 'exited', id: event.id });
    }
    throw new Error('the connection to Docker broke');
  }

  async #beat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(HEARTBEAT_MS, undefined, { signal, ref: false });
      await this.#client.ping(HEARTBEAT_TIMEOUT_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }

  #lost(detail: string): void {
    if (this.#lostAtMs !== null || this.#stop.signal.aborted) return;
    this.#lostAtMs = performance.now();
    this.#listener({ kind: 'lost', detail });
  }

  #regained(): void {
    if (this.#lostAtMs === null) return;
    const seconds = (performance.now() - this.#lostAtMs) / 1000;
    this.#lostAtMs = null;
    this.#listener({ kind: 'regained', seconds: Math.round(seconds * 1000) / 1000 });
  }
}
