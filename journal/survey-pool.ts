import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, type Transferable } from 'node:worker_threads';
import { JournalError } from './errors.js';
import type { SegmentSurvey } from './pieces.js';
import { surveyFile, type SurveyTask } from './survey-file.js';
import { THREAD_LIMITS } from './thread-limits.js';

/** Below this, starting a thread takes longer than reading. */
const THREADS_WORTH_BYTES = 8 * 1024 * 1024;

/** Answers that wait for their turn at most: bounds memory. */
const AHEAD_MAX = 6;

/** A way to survey one file. */
export interface Surveying<T, K extends SurveyTask = SurveyTask> {
  /** In this thread; null when the file is not there any more. */
  here: (task: K) => Promise<T | null>;
  /** The built program of a thread that answers with the same (see `answerTasks`); sources run as they are have no threads. */
  program: URL;
}

const PLAINLY: Surveying<SegmentSurvey> = {
  here: (task) => surveyFile(task),
  program: new URL('./survey-thread.js', import.meta.url),
};

type Answer<T> = { survey: T | null; error?: undefined } | { error: string };

/** Surveys files, in this thread and as many more as are asked for and worth it. Answers stand in the order of the tasks. */
export async function surveyAll(
  tasks: readonly SurveyTask[],
  threads: number,
  onSurveyed?: () => void,
): Promise<(SegmentSurvey | null)[]> {
  const surveys = new Array<SegmentSurvey | null>(tasks.length).fill(null);
  // The biggest first, so that none begins when all others are done.
  const order = tasks.map((_, at) => at).sort((a, b) => (tasks[b]?.bytes ?? 0) - (tasks[a]?.bytes ?? 0));
  const sorted = order.flatMap((at) => tasks[at] ?? []);
  let done = 0;
  for await (const survey of surveyInOrder(PLAINLY, sorted, threads)) {
    surveys[order[done] ?? 0] = survey;
    done += 1;
    onSurveyed?.();
  }
  return surveys;
}

/** Surveys files in a way of the caller's own and gives the answers one after the other, in the order of the tasks. */
export async function* surveyInOrder<T, K extends SurveyTask>(
  surveying: Surveying<T, K>,
  tasks: readonly K[],
  threads: number,
): AsyncGenerator<T | null> {
  const bytes = tasks.reduce((sum, task) => sum + task.bytes, 0);
  const useThreads = bytes >= THREADS_WORTH_BYTES && existsSync(fileURLToPath(surveying.program));
  const desk = new Desk<T, K>(tasks);
  const others: Worker[] = [];
  for (let more = useThreads ? Math.min(threads, tasks.length - 1) : 0; more > 0; more -= 1) {
    const thread = new Worker(surveying.program, { resourceLimits: THREAD_LIMITS });
    others.push(thread);
    // One that does not come up leaves all to the others; later ones tell whoever asked them (`ask`).
    thread.on('error', () => undefined);
    // Not before it is up: until then there is enough to do here.
    thread.once('online', () => void desk.work((task) => ask(thread, task)));
  }
  try {
    for (let at = 0; at < tasks.length; at += 1) {
      // Until it is there, this thread does what others have not begun.
      while (!desk.has(at) && desk.mayTake()) await desk.workOnce(surveying.here);
      yield await desk.take(at);
    }
  } finally {
    desk.close();
    await Promise.all(others.map((thread) => thread.terminate()));
  }
}

interface Slot<T> {
  answered: boolean;
  answer: Promise<T | null>;
  settle: (answer: Promise<T | null>) => void;
}

/** Hands out tasks in their order, a few ahead of the one that is waited for. */
class Desk<T, K extends SurveyTask> {
  readonly #tasks: readonly K[];
  readonly #slots: (Slot<T> | null)[];
  #next = 0;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(tasks: readonly K[]) {
    this.#tasks = tasks;
    this.#slots = tasks.map(() => slot());
  }

  has(at: number): boolean {
    return this.#slots[at]?.answered === true;
  }

  /** Whether a task may be begun now: what is ahead waits in memory. */
  mayTake(): boolean {
    return this.#next < this.#tasks.length && this.#next - this.#taken < AHEAD_MAX;
  }

  async workOnce(survey: Surveying<T, K>['here']): Promise<void> {
    const at = this.#next;
    const task = this.#tasks[at];
    if (task === undefined) return;
    this.#next += 1;
    const answer = survey(task);
    this.#slots[at]?.settle(answer);
    // Who takes the answer hears of the failure; here it only ends the waiting.
    await answer.then(
      () => this.#answered(at),
      () => this.#answered(at),
    );
  }

  /** Does one task after the other, until there is none left. */
  async work(survey: Surveying<T, K>['here']): Promise<void> {
    while (this.#next < this.#tasks.length) {
      if (this.mayTake()) await this.workOnce(survey);
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async take(at: number): Promise<T | null> {
    const answer = await this.#slots[at]?.answer;
    this.#slots[at] = null;
    this.#taken = at + 1;
    this.#wake();
    return answer ?? null;
  }

  /** Nothing more is handed out. */
  close(): void {
    this.#next = this.#tasks.length;
    this.#wake();
  }

  #answered(at: number): void {
    const answered = this.#slots[at];
    if (answered) answered.answered = true;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function slot<T>(): Slot<T> {
  const made: Partial<Slot<T>> = { answered: false };
  made.answer = new Promise((resolve) => {
    made.settle = resolve;
  });
  // A failure nobody comes to take, because an earlier one ended it all, is none of its own.
  made.answer.catch(() => undefined);
  return made as Slot<T>;
}

function ask<T>(thread: Worker, task: SurveyTask): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      thread.off('message', answered).off('error', failed).off('exit', ended);
    };
    const answered = (answer: Answer<T>): void => {
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

/**
 * The program of a surveying thread: one task in, one answer (or what went wrong) out.
 * @param buffers what of an answer is handed over instead of copied
 */
export function answerTasks<T, K extends SurveyTask>(
  survey: Surveying<T, K>['here'],
  buffers: (answer: T) => Transferable[] = () => [],
): void {
  const port = parentPort;
  port?.on('message', (task: K) => {
    survey(task).then(
      (answer) => {
        port.postMessage({ survey: answer }, answer === null ? [] : buffers(answer));
      },
      (error: unknown) => {
        port.postMessage({ error: error instanceof Error ? error.message : String(error) });
      },
    );
  });
}
