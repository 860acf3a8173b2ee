import type { CoordinatorRef, EventData, EventType, JournalEvent } from '../../journal/events/index.js';
import { COORDINATOR } from '../../journal/segments.js';
import type { JournalWriter } from '../../journal/writer.js';
import type { RecordObserver } from './observer.js';
import { evolve, type ScanState } from './state.js';

/** The coordinator's journal with the state folded from it. The only one that appends there. */
export class ScanJournal {
  readonly #writer: JournalWriter;
  readonly #observer: RecordObserver;
  #state: ScanState;

  constructor(writer: JournalWriter, state: ScanState, observer: RecordObserver) {
    this.#writer = writer;
    this.#state = state;
    this.#observer = observer;
  }

  get state(): ScanState {
    return this.#state;
  }

  /**
   * Decides and appends in one go: the state has changed before anyone else can decide on it, and the
   * promise resolves once the event is on disk, which is when it may be acted upon.
   */
  async append<T extends EventType>(type: T, data: EventData<T>): Promise<void> {
    const event = { type, data } as unknown as JournalEvent;
    this.#state = evolve(this.#state, event);
    const { at, epoch, seq } = await this.#writer.append(type, data);
    this.#observer.recorded(event, { at, writer: COORDINATOR, epoch, seq });
  }

  /** The newest record that is on disk. */
  get newest(): CoordinatorRef {
    const durable = this.#writer.durable;
    if (durable === null) throw new Error('unreachable: an open journal has its opening on disk');
    return { epoch: durable.epoch, seq: durable.seq, crc: durable.crc };
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }
}
