import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDockerEngine } from '../../src/engine/docker.js';
import type { Launch } from '../../src/engine/port.js';

const CALL_MS = 15_000;
/** Longer than any call may take. */
const LONG_MS = 120_000;

let folder: string;
let server: Server;
/** Requests that wait for an answer, by their connections. */
const waiting = new Map<Socket, string>();

let isSilent: boolean;

/** Says who it is, and knows of nothing. */
function answer({ url = '' }: IncomingMessage): { status: number; json: object } {
  if (url === '/version')
    return { status: 200, json: { Version: '27.0', ApiVersion: '1.46', Components: [] } };
  return url.endsWith('/info')
    ? { status: 200, json: {} }
    : { status: 404, json: { message: 'there is none' } };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nas-scanner-silent-'));
  isSilent = false;
  server = createServer((request, response) => {
    if (!isSilent) {
      const { status, json } = answer(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
      return;
    }
    const { socket, method = '', url = '' } = request;
    waiting.set(socket, `${method} ${url}`);
    socket.once('close', () => waiting.delete(socket));
    socket.on('error', () => undefined);
    request.resume();
  });
  const socket = join(folder, 'docker.sock');
  await new Promise<void>((listening) => server.listen(socket, listening));
  vi.stubEnv('DOCKER_HOST', `unix://${socket}`);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('no question to a daemon that falls silent is left open', async () => {
  const engine = await createDockerEngine({ image: 'some:1', dataDir: folder, hostPaths: [] });
  isSilent = true;
  const launch: Launch = {
    ...{ scan: '01KARA41R028T5CY4GNF6YY4HM', chunk: 1, attempt: 1, writer: 'worker-0001', writerDir: folder },
    ...{ taskFile: join(folder, 'task.json'), mountPath: '/mnt', limits: { cpus: null, memoryBytes: null } },
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const calls = Promise.allSettled([
    engine.list(),
    engine.listOwned(),
    engine.exitOf('a'),
    engine.logTail('a'),
    engine.usage('a'),
    engine.ping('a', CALL_MS),
    engine.signal('a', 'SIGTERM'),
    engine.remove('a'),
    engine.inspectImage(),
    engine.start(launch, engine.plan(launch), CALL_MS),
  ]);
  const realMs = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  while (waiting.size < 10) await realMs();
  await vi.advanceTimersByTimeAsync(LONG_MS);
  await calls;
  const deadlineMs = performance.now() + 1000;
  while (waiting.size > 0 && performance.now() < deadlineMs) await realMs();
  expect([...waiting.values()]).toEqual([]);
  await engine.close();
});
