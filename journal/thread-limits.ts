/** For `Worker`: what a thread throws away need not pile up in memory. */
export const THREAD_LIMITS = { maxYoungGenerationSizeMb: 12 };
