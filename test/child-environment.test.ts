import { spawnSync } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { childEnvironment } from '../src/child-environment.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a process of ours reads no certificates, and finds all else in its environment', () => {
  vi.stubEnv('NODE_EXTRA_CA_CERTS', '/missing.pem');
  vi.stubEnv('OTHER', 'kept');
  const shown = 'console.log([process.env.NODE_EXTRA_CA_CERTS, process.env.OTHER, process.env.MORE].join())';
  const env = childEnvironment({ MORE: 'added' });
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', shown], { env, encoding: 'utf8' });
  expect([stdout, stderr]).toEqual([',kept,added\n', '']); // Node complains of certificates it cannot read
});
