import { answerTasks } from '../../journal/survey-pool.js';
import { buffersOf, condenseFile } from './condense.js';

answerTasks(condenseFile, buffersOf);
