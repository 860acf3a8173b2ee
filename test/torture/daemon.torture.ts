import { describeDaemonTrouble } from '../support/daemon-trouble.js';

/** So long that workers end, and that tries to reach it become seldom. */
const AWAY_MS = 20_000;

describeDaemonTrouble(AWAY_MS);
