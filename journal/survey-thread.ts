import { parentPort } from 'node:worker_threads';
import { surveyFile, type SurveyTask } from './survey-file.js';

/** The program of a surveying thread: one task in, one survey (or what went wrong) out. */
const port = parentPort;
port?.on('message', (task: SurveyTask) => {
  surveyFile(task).then(
    (survey) => {
      port.postMessage({ survey });
    },
    (error: unknown) => {
      port.postMessage({ error: error instanceof Error ? error.message : String(error) });
    },
  );
});
