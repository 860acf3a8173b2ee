import { describeDaemonTrouble } from '../support/daemon-trouble.js';

/** Killed: so long that workers end, and that tries to reach it become seldom. Frozen: so long that it is missed. */
describeDaemonTrouble({ killedMs: 20_000, frozenMs: 1500 });
