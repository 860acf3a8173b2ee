import type { Link } from './chain.js';
import type { SegmentSurvey, Testimony } from './pieces.js';
import { COORDINATOR, type SegmentName } from './segments.js';

/** One epoch of a writer: its files, and what of them links up. */
export interface EpochSurvey {
  writer: string;
  epoch: number;
  files: { name: SegmentName; survey: SegmentSurvey }[];
  links: Link[];
}

/** What others say about an epoch. */
export interface Witnessed {
  /** Highest seq proven to have been acknowledged; 0: none. */
  proven: number;
  /** What lies beyond this seq does not count; Infinity: no bound. */
  bound: number;
  /** Records that others name, with the offset behind them where they say it. */
  places: { segment: number; seq: number; bytes: number | null }[];
}

/** What the records of a scan prove about each other, by writer and epoch. */
export class Witnesses {
  readonly #of = new Map<string, Witnessed>();

  /** Hears all epochs of a scan, in any order. */
  constructor(epochs: readonly EpochSurvey[]) {
    for (const epoch of epochs) this.#hearSelf(epoch);
    for (const epoch of epochs) for (const said of counted(epoch)) this.#hearOpening(epoch, said, epochs);
    // Only now the coordinator's own bounds stand: beyond them it has nothing to say.
    for (const epoch of epochs) {
      if (epoch.writer !== COORDINATOR) continue;
      const { bound } = this.of(COORDINATOR, epoch.epoch);
      for (const said of counted(epoch)) if (said.seq <= bound) this.#hearCoordinator(said);
    }
    for (const witnessed of this.#of.values()) witnessed.proven = Math.min(witnessed.proven, witnessed.bound);
  }

  of(writer: string, epoch: number): Witnessed {
    const key = `${writer}/${epoch}`;
    let found = this.#of.get(key);
    if (found === undefined) {
      found = { proven: 0, bound: Infinity, places: [] };
      this.#of.set(key, found);
    }
    return found;
  }

  /** Epochs of a writer that someone names, whether or not they have files. */
  epochsOf(writer: string): number[] {
    return [...this.#of.entries()]
      .filter(([key, { proven }]) => proven > 0 && key.startsWith(`${writer}/`))
      .map(([key]) => Number(key.slice(writer.length + 1)));
  }

  writers(): string[] {
    const named = [...this.#of.entries()].filter(([, { proven }]) => proven > 0);
    return [...new Set(named.map(([key]) => key.slice(0, key.indexOf('/'))))];
  }

  #hearSelf({ writer, epoch, links }: EpochSurvey): void {
    const witnessed = this.of(writer, epoch);
    for (const { run, toSeq } of links) {
      const sealed = run.sealed && toSeq === run.toSeq ? toSeq - 1 : 0;
      witnessed.proven = Math.max(witnessed.proven, run.durable, sealed);
    }
  }

  #hearOpening({ writer, epoch }: EpochSurvey, said: Testimony, epochs: readonly EpochSurvey[]): void {
    if (said.kind !== 'opened') return;
    const { previous, coordinator } = said;
    if (coordinator !== null) {
      const witnessed = this.of(COORDINATOR, coordinator.epoch);
      witnessed.proven = Math.max(witnessed.proven, coordinator.seq);
    }
    if (previous !== null) this.#prove(writer, previous.epoch, { ...previous, bytes: null });
    if (said.segment !== 1) return;
    // The first segment of an epoch says where the older ones end.
    const endEpoch = previous?.epoch ?? 0;
    for (const older of epochs) {
      if (older.writer !== writer || older.epoch >= epoch || older.epoch < endEpoch) continue;
      this.#bind(writer, older.epoch, previous !== null && older.epoch === endEpoch ? previous.seq : 0);
    }
  }

  #hearCoordinator(said: Testimony): void {
    if (said.kind === 'opened') return;
    const { writer, epoch, seq } = said.position;
    this.#prove(writer, epoch, said.position);
    if (said.kind === 'settled') this.#bind(writer, epoch, seq);
  }

  #prove(
    writer: string,
    epoch: number,
    { segment, seq, bytes }: { segment: number; seq: number; bytes: number | null },
  ): void {
    const witnessed = this.of(writer, epoch);
    witnessed.proven = Math.max(witnessed.proven, seq);
    witnessed.places.push({ segment, seq, bytes });
  }

  #bind(writer: string, epoch: number, seq: number): void {
    const witnessed = this.of(writer, epoch);
    witnessed.bound = Math.min(witnessed.bound, seq);
  }
}

/** What the counted records of an epoch say. */
function* counted({ files, links }: EpochSurvey): Generator<Testimony> {
  // Both stand in the order of the bytes: each is looked at once.
  let next = 0;
  let file = -1;
  for (const { run, at, toByte } of links) {
    if (at !== file) next = 0;
    file = at;
    const testimonies = files[at]?.survey.testimonies ?? [];
    for (
      let said = testimonies[next];
      said !== undefined && said.fromByte < toByte;
      said = testimonies[next]
    ) {
      if (said.fromByte >= run.fromByte) yield said;
      next += 1;
    }
  }
}
