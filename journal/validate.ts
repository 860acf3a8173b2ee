import { z } from 'zod';
import { JournalError } from './errors.js';
import { eventSchemas, type EventType } from './events/index.js';

/**
 * Checks a payload before it is written. Loads the schemas, so only the coordinator's side imports it.
 * @throws JournalError `invalid-event` naming the field
 */
export function validateEvent(type: EventType, data: unknown): void {
  // Few events of each type: to generate code for each of them takes longer than that code saves.
  const result = eventSchemas[type].safeParse(data, { jitless: true });
  if (!result.success)
    throw new JournalError('invalid-event', `${type}: ${z.prettifyError(result.error)}`, {
      cause: result.error,
    });
}
