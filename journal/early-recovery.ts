import type { SegmentSurvey, Testimony } from './pieces.js';
import { epochsOf, whatCounts, type Recovered, type SurveyedSegment } from './recover.js';
import { COORDINATOR } from './segments.js';
import { Witnesses, type EpochSurvey } from './witness.js';

/**
 * Tells what of a writer's files counts before all of a scan has been surveyed: that depends, beside the writer's own
 * files, only on what the coordinator says of it. Agrees with `recover` of the whole scan. Pure.
 */
export class EarlyRecovery {
  readonly #coordinator: EpochSurvey[];
  /** Of each of its files, what it says, by the writer that it speaks of. */
  readonly #said = new Map<SegmentSurvey, Map<string, Testimony[]>>();

  /** @param coordinator the coordinator's files, all of them */
  constructor(coordinator: readonly SurveyedSegment[]) {
    this.#coordinator = inOrder(coordinator);
    for (const { survey } of coordinator) this.#said.set(survey, byWriter(survey.testimonies));
  }

  /** @param own all files of one writer */
  of(own: readonly SurveyedSegment[]): Pick<Recovered, 'counted' | 'repeated'> {
    const writer = own[0]?.name.writer ?? COORDINATOR;
    if (writer === COORDINATOR) return whatCounts(this.#coordinator, new Witnesses(this.#coordinator));
    const epochs = inOrder(own);
    return whatCounts(epochs, new Witnesses([...this.#about(writer), ...epochs]));
  }

  /** The coordinator's epochs with only what they say of one writer, and of the coordinator. */
  #about(writer: string): EpochSurvey[] {
    return this.#coordinator.map((epoch) => ({
      ...epoch,
      files: epoch.files.map(({ name, survey }) => {
        const said = this.#said.get(survey);
        // In the order of the bytes, as a survey has them.
        const testimonies = [...(said?.get(COORDINATOR) ?? []), ...(said?.get(writer) ?? [])].sort(
          (one, other) => one.fromByte - other.fromByte,
        );
        return { name, survey: { ...survey, testimonies } };
      }),
    }));
  }
}

function inOrder(surveyed: readonly SurveyedSegment[]): EpochSurvey[] {
  return epochsOf(surveyed).sort((a, b) => a.epoch - b.epoch);
}

function byWriter(testimonies: readonly Testimony[]): Map<string, Testimony[]> {
  const found = new Map<string, Testimony[]>();
  for (const testimony of testimonies) {
    const writer = testimony.kind === 'opened' ? COORDINATOR : testimony.position.writer;
    const known = found.get(writer);
    if (known === undefined) found.set(writer, [testimony]);
    else known.push(testimony);
  }
  return found;
}
