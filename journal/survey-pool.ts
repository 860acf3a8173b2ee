import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { JournalError } from './errors.js';
import type { SegmentSurvey } from './pieces.js';
import { surveyFile, type SurveyTask } from './survey-file.js';

/** Below this, starting a thread takes longer than reading. */
const THREADS_WORTH_BYTES = 8 * 1024 * 1024;
/** The built program; sources that are run as they are have no threads. */
const PROGRAM = new URL('./survey-thread.js', import.meta.url);

type Answer = { survey: SegmentSurvey | null; error?: undefined } | { error: string };

/**
 * Surveys files, in this thread and as many more as are asked for and worth it.
 * Answers stand in the order of the tasks.
 */
export async function surveyAll(
  tasks: readonly SurveyTask[],
  threads: number,
): Promise<(SegmentSurvey | null)[]> {
  const bytes = tasks.reduce((sum, task) => sum + task.bytes, 0);
  const surveys = new Array<SegmentSurvey | null>(tasks.length).fill(null);
  // The biggest first, so that none begins when all others are done.
  const queue = tasks.map((task, at) => ({ task, at })).sort((a, b) => a.task.bytes - b.task.bytes);
  const work: Work = async (survey) => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop())
      surveys[next.at] = await survey(next.task);
  };
  const useThreads = bytes >= THREADS_WORTH_BYTES && existsSync(fileURLToPath(PROGRAM));
  const more = useThreads ? Math.min(threads, tasks.length - 1) : 0;
  await Promise.all([...Array.from({ length: more }, () => inThread(work)), work(surveyFile)]);
  return surveys;
}

type Work = (survey: (task: SurveyTask) => Promise<SegmentSurvey | null>) => Promise<void>;

async function inThread(work: Work): Promise<void> {
  const thread = new Worker(PROGRAM);
  try {
    await work((task) => ask(thread, task));
  } finally {
    await thread.terminate();
  }
}

function ask(thread: Worker, task: SurveyTask): Promise<SegmentSurvey | null> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      thread.off('message', answered).off('error', failed).off('exit', ended);
    };
    const answered = (answer: Answer): void => {
      done();
      if (answer.error === undefined) resolve(answer.survey);
      else reject(new JournalError('io', answer.error));
    };
    const failed = (error: Error): void => {
      done();
      reject(error);
    };
    const ended = (): void => {
      done();
      reject(new JournalError('io', 'a reading thread ended unexpectedly'));
    };
    thread.on('message', answered).on('error', failed).on('exit', ended);
    thread.postMessage(task);
  });
}
