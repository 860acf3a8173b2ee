import { z } from 'zod';

export const schemaSchema = z
  .record(z.string(), z.unknown())
  .describe(
    "With COMMAND its JSON Schema (draft 2020-12); without, an object of all of them by the command's name.",
  );
