import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeName,
  isRaw,
  joinPath,
  nameBytes,
  nameForJournal,
  nameFromJournal,
  nameJson,
} from '../../src/walk/names.js';
import { HORRIBLE_NAMES } from '../support/horrors.js';

const SLASH = 0x2f;
/** What a name may hold: any bytes but the slash. */
const anyBytes = fc
  .oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.string({ unit: 'binary', minLength: 1 }))
  .map((value) => Buffer.from(Buffer.from(value as Uint8Array).filter((byte) => byte !== SLASH)));

test('every name keeps its bytes, alone, in a path and through the journal', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (first, second) => {
      const name = decodeName(first);
      expect(nameBytes(name)).toEqual(first);
      const path = joinPath(name, decodeName(second));
      expect(nameBytes(path)).toEqual(Buffer.concat([first, Buffer.from('/'), second]));
      expect(nameFromJournal(nameForJournal(path))).toBe(path);
      expect(JSON.parse(nameJson(path))).toEqual(nameForJournal(path));
    }),
  );
});

test('names that are valid UTF-8 are plain text, others are not', () => {
  for (const bytes of HORRIBLE_NAMES) {
    const text = bytes.toString('utf8');
    const valid = Buffer.from(text, 'utf8').equals(bytes);
    expect(isRaw(decodeName(bytes))).toBe(!valid);
    expect(typeof nameForJournal(decodeName(bytes)) === 'string').toBe(valid);
  }
});
