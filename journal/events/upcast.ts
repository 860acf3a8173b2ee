import type { EventType } from './index.js';

/** Turns the payload of one version into that of the next. */
export type Upcaster = (data: unknown) => unknown;

/** Per event type, the steps from version 1 to 2, from 2 to 3, … Payloads on disk never change in place. */
export type Upcasters = Readonly<Partial<Record<EventType, readonly Upcaster[]>>>;

/** None yet: every event is at its first version. */
export const UPCASTERS: Upcasters = {};

/** Raises a payload of version `v` to the newest version. */
export function upcast(type: EventType, v: number, data: unknown, upcasters: Upcasters = UPCASTERS): unknown {
  return (upcasters[type] ?? []).slice(v - 1).reduce((raised, step) => step(raised), data);
}
