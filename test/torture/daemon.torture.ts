import { describeDaemonTrouble } from '../support/daemon-trouble.js';

/** As long as an update of the engine takes on a small box. */
const AWAY_MS = 150_000;

describeDaemonTrouble({ killedMs: AWAY_MS, frozenMs: AWAY_MS });
