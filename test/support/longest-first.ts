import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of more than half a minute, the longest first. One that is missing here costs time only. */
const LONGEST = [
  'engine/advice.test.ts',
  'engine/daemon.test.ts',
  'engine/places.test.ts',
  'contract/real-place-scenarios.test.ts',
  'engine/workers.test.ts',
  'contract/crash.test.ts',
  'contract/real-scan-scenarios.test.ts',
  'engine/engine-advice.test.ts',
  'contract/full-disk.test.ts',
  'contract/real-host-scenarios.test.ts',
  'contract/settings.test.ts',
  'contract/resume-gap.test.ts',
  'engine/scenarios.test.ts',
  'contract/usage.test.ts',
  'contract/output.test.ts',
  'journal/corruption.property.test.ts',
  'engine/large-scan.test.ts',
  'contract/former-catalog.test.ts',
  'contract/signals.test.ts',
  'worker/worker.test.ts',
];

/** Starts the longest files first, so that none of them is left to run alone at the end. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
