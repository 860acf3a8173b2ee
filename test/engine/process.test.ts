import { ProcessEngine } from '../../src/engine/process.js';
import { describeEngine, FAKE_WORKER } from './engine-contract.js';

describeEngine('process', () => Promise.resolve(new ProcessEngine(FAKE_WORKER)));
