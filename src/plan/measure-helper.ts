import { endWithParent } from '../end-with-parent.js';
import { Measurer } from './measure.js';
import type { MeasureReply, MeasureRequest } from './measuring.js';
import { errnoName } from '../walk/system-error.js';

/** The program of the helper process: measures directories on demand until its channel closes. */
const PROGRESS_EVERY_MS = 25;

let measurer: Measurer | null = null;
const left = new Set<number>();

function reply(message: MeasureReply): void {
  process.send?.(message, () => undefined); // a coordinator that is gone is noticed by `disconnect`
}

async function measure(measurer: Measurer, id: number, path: string, namesOnly: boolean): Promise<void> {
  let toldAt = performance.now();
  const onProgress = (): boolean => {
    const now = performance.now();
    if (now - toldAt > PROGRESS_EVERY_MS) {
      toldAt = now;
      reply({ kind: 'progress', id });
    }
    return !left.has(id);
  };
  try {
    reply({ kind: 'measured', id, measured: await measurer.measure(path, namesOnly, onProgress) });
  } catch (error) {
    reply({ kind: 'failed', id, errno: errnoName(error) });
  } finally {
    left.delete(id);
  }
}

process.on('message', (request: MeasureRequest) => {
  if ('options' in request) measurer = new Measurer(request.options);
  else if ('leave' in request) left.add(request.id);
  else if (measurer !== null) void measure(measurer, request.id, request.path, request.namesOnly);
});
endWithParent();
reply({ kind: 'ready' });
