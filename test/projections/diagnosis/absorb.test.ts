import { expect, test } from 'vitest';
import { EXPLAINS } from '../../../projections/diagnosis/absorb.js';
import { FINDING_CODES, type FindingCode } from '../../../projections/diagnosis/types.js';

test('whatever a cause explains comes behind it in the order of causes', () => {
  const place = (code: FindingCode): number => FINDING_CODES.indexOf(code);
  const wrong = Object.entries(EXPLAINS).flatMap(([cause, symptoms]) =>
    symptoms
      .filter((symptom) => place(symptom) <= place(cause as FindingCode))
      .map((symptom) => `${cause} explains ${symptom}`),
  );
  expect(wrong).toEqual([]);
});
