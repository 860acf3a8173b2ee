import { EngineError, type EngineErrorCode } from './port.js';

/** What docker-modem and Node put on the errors they throw. */
interface RawError {
  message?: unknown;
  code?: unknown;
  statusCode?: unknown;
  json?: unknown;
  name?: unknown;
}

const UNREACHABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPERM',
  'EPIPE',
  'ENOTSOCK',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EAI_AGAIN',
]);

const SOCKET_HINTS: Record<string, string> = {
  ENOENT: 'Start Docker, or give the container -v /var/run/docker.sock:/var/run/docker.sock.',
  ECONNREFUSED: 'Start Docker (on Unraid: Settings > Docker > Enable Docker).',
  EACCES: 'Run as root or join the group docker: this user may not use the Docker socket.',
};

/** The daemon's own words, without docker-modem's frame around them. */
function engineWords(error: unknown): string {
  const raw = asRaw(error);
  const json = raw.json;
  if (typeof json === 'object' && json !== null && 'message' in json && typeof json.message === 'string')
    return json.message.trim();
  return typeof raw.message === 'string' ? raw.message.trim() : String(error);
}

/** HTTP status of the daemon's answer, or null where it did not answer. */
export function statusOf(error: unknown): number | null {
  const status = asRaw(error).statusCode;
  return typeof status === 'number' ? status : null;
}

/** Whether a call ended because our own time limit aborted it. */
export function isAbort(error: unknown): boolean {
  const raw = asRaw(error);
  return raw.name === 'AbortError' || raw.name === 'TimeoutError' || raw.code === 'ABORT_ERR';
}

/**
 * Sorts an error of the Docker API into our codes.
 * @param what the step that failed, for the message: `create container`
 */
export function toEngineError(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error;
  const words = engineWords(error);
  if (isAbort(error))
    return new EngineError('unreachable', `${what}: Docker did not answer in time`, { cause: error });
  const status = statusOf(error);
  if (status === null) return connectionError(error, what, words);
  const code = codeOf(status, words);
  const hint = hintOf(code, words);
  return new EngineError(code, `${what}: ${words}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function connectionError(error: unknown, what: string, words: string): EngineError {
  const code = asRaw(error).code;
  const known = typeof code === 'string' && UNREACHABLE_CODES.has(code);
  // A connection that breaks in the middle of an answer has no code but these words.
  const broken = /socket hang up|aborted|parse error|premature/i.test(words);
  const hint = typeof code === 'string' ? SOCKET_HINTS[code] : undefined;
  return new EngineError(known || broken ? 'unreachable' : 'failed', `${what}: ${words}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function codeOf(status: number, words: string): EngineErrorCode {
  if (/no space left on device|disk quota exceeded/i.test(words)) return 'disk-full';
  if (/no such image|manifest unknown|image not known/i.test(words)) return 'image-missing';
  if (status === 404) return 'not-found';
  return 'failed';
}

function hintOf(code: EngineErrorCode, words: string): string | undefined {
  if (code === 'disk-full')
    return "The disk of Docker's own data is full (on Unraid docker.img): remove unused images and containers.";
  if (code === 'image-missing')
    return 'Build the image first: the README has the command under "In Docker, on Unraid".';
  if (/bind source path does not exist/i.test(words))
    return 'Docker does not know this folder under that name: set --host-path INSIDE=OUTSIDE.';
  return undefined;
}

function asRaw(error: unknown): RawError {
  return typeof error === 'object' && error !== null ? error : {};
}

/** What a failed start is called: the known causes keep their names. */
export function startError(error: unknown): EngineError {
  const known = toEngineError(error, 'start the container');
  if (known.code !== 'failed' && known.code !== 'not-found') return known;
  return new EngineError('start-failed', known.message, {
    cause: error,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
  });
}
