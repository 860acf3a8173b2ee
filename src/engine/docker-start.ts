import type { ContainerSpec, SpecAbilities } from './container-spec.js';
import { createBody } from './container-spec.js';
import type { DockerClient } from './docker-client.js';
import { startError } from './docker-errors.js';
import { EngineError, type LateStart } from './port.js';

/**
 * How much longer than its time a start is followed: a daemon that was asked to create does so whatever becomes
 * of our call, and what then comes into being must be removed.
 */
const LATE_MS = 30_000;
const UNDO_TIMEOUT_MS = 5_000;
/** How long `settle` waits for what was given up. */
const SETTLE_MS = 10_000;

/** Creates, starts and verifies containers, and removes whatever does not get that far. */
export class ContainerStarter {
  readonly #client: DockerClient;
  readonly #abilities: SpecAbilities;
  readonly #givenUp = new Set<Promise<void>>();

  /** @param abilities what is found missing at a start is noted here */
  constructor(client: DockerClient, abilities: SpecAbilities) {
    this.#client = client;
    this.#abilities = abilities;
  }

  /**
   * @param makeSpec asked again where the first answer wanted what the kernel lacks
   * @param onLate takes over what took too long; without it that is removed when it comes
   * @throws EngineError
   */
  async start(
    makeSpec: () => ContainerSpec,
    timeoutMs: number,
    onLate?: (late: LateStart) => void,
  ): Promise<{ id: string }> {
    const whole = this.#startWhole(makeSpec, timeoutMs + LATE_MS);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, timeoutMs, null)));
    try {
      const started = await Promise.race([whole, late]);
      if (started !== null) return started;
    } catch (error) {
      throw startError(error);
    } finally {
      clearTimeout(timer);
    }
    if (onLate === undefined) this.#giveUp(whole);
    else onLate(whole.catch(() => null)); // it failed after all, and has removed what there was
    throw new EngineError('start-timeout', `the container did not start within ${timeoutMs / 1000} s`, {
      hint: 'The host may be overloaded: try fewer --max-containers, or a longer --start-timeout.',
    });
  }

  /** Waits, within bounds, until nothing that was given up can come into being any more. */
  async settle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, SETTLE_MS)));
    await Promise.race([Promise.all(this.#givenUp), enough]);
    clearTimeout(timer);
  }

  #giveUp(whole: Promise<{ id: string }>): void {
    const removed: Promise<void> = whole
      .then(
        ({ id }) => this.#undo(id),
        () => undefined, // it failed after all, and has removed what there was
      )
      .finally(() => this.#givenUp.delete(removed));
    this.#givenUp.add(removed);
  }

  async #startWhole(makeSpec: () => ContainerSpec, timeoutMs: number): Promise<{ id: string }> {
    const deadlineMs = performance.now() + timeoutMs;
    const left = (): number => Math.max(1, deadlineMs - performance.now());
    const id = await this.#create(makeSpec, left);
    try {
      await this.#client.call('start the container', left(), (docker, abortSignal) =>
        docker.getContainer(id).start({ abortSignal }),
      );
      await this.#verify(id, left());
      return { id };
    } catch (error) {
      await this.#undo(id);
      throw error;
    }
  }

  /** Creates; where the kernel turns out to lack what was asked for, does without it from now on. */
  async #create(makeSpec: () => ContainerSpec, left: () => number): Promise<string> {
    for (;;) {
      try {
        const body = createBody(makeSpec());
        const container = await this.#client.call('create the container', left(), (docker, abortSignal) =>
          docker.createContainer({ ...body, abortSignal }),
        );
        return container.id;
      } catch (error) {
        const words = error instanceof EngineError ? error.message : '';
        if (this.#abilities.cpuQuota && /NanoCPUs can not be set|CFS/i.test(words))
          this.#abilities.cpuQuota = false;
        else throw error;
      }
    }
  }

  /** A container that was started runs, or has already run to its end. */
  async #verify(id: string, timeoutMs: number): Promise<void> {
    const { State: state } = await this.#client.call(
      'look at the container',
      timeoutMs,
      (docker, abortSignal) => docker.getContainer(id).inspect({ abortSignal }),
    );
    if (state.Status === 'created') {
      throw new EngineError('start-failed', state.Error || 'the container was created but did not start');
    }
  }

  async #undo(id: string): Promise<void> {
    await this.#client
      .call('remove what did not start', UNDO_TIMEOUT_MS, (docker, abortSignal) =>
        docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
      )
      .catch(() => undefined); // the next listing finds it
  }
}
