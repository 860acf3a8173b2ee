import { describeDaemonTrouble } from '../support/daemon-trouble.js';

/** Long enough that it is missed and not reached again at once. */
const AWAY_MS = 1500;

describeDaemonTrouble(AWAY_MS);
