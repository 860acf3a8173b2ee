import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of more than 20 seconds, the longest first. One that is missing here costs time only. */
const LONGEST = [
  'engine/places.test.ts',
  'engine/daemon.test.ts',
  'engine/advice.test.ts',
  'contract/catalog-wait.test.ts',
  'contract/real-place-scenarios.test.ts',
  'engine/workers.test.ts',
  'contract/crash.test.ts',
  'contract/full-disk.test.ts',
  'contract/real-scan-scenarios.test.ts',
  'contract/former-catalog.test.ts',
  'journal/corruption.property.test.ts',
  'engine/scenarios.test.ts',
  'contract/signals.test.ts',
  'scan/scanner.test.ts',
  'engine/engine-advice.test.ts',
  'contract/output.test.ts',
  'contract/settings.test.ts',
  'contract/resume-gap.test.ts',
  'worker/worker.test.ts',
  'contract/usage.test.ts',
  'contract/hang.test.ts',
  'contract/real-host-scenarios.test.ts',
  'projections/kill.test.ts',
  'engine/docker.test.ts',
  'engine/socket-proxy.test.ts',
  'projections/follow-patience.test.ts',
  'journal/exhaustive.test.ts',
  'engine/large-scan.test.ts',
  'cli/first-words.test.ts',
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
