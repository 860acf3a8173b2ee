import { surveyFile } from './survey-file.js';
import { answerTasks } from './survey-pool.js';

answerTasks((task) => surveyFile(task));
