import { parentPort, workerData } from 'node:worker_threads';
import { Follow } from './follow.js';
import type { FollowTarget } from './follow-session.js';
import type { FromFollower, ToFollower } from './follower.js';

/** The thread in which SQLite works, so that a slow disk under the catalog never holds up the coordinator. */
const port = parentPort;
if (port !== null) {
  const send = (message: FromFollower): void => {
    port.postMessage(message);
  };
  const follow = new Follow(workerData as FollowTarget, {
    onOpened: (mode, reason) => {
      send({ type: 'opened', mode, reason });
    },
    onTrouble: (code, detail) => {
      send({ type: 'trouble', code, detail });
    },
    onRecovered: () => {
      send({ type: 'recovered' });
    },
    onProgress: (bytesLeft, longStep) => {
      send({ type: 'progress', bytesLeft, longStep });
    },
  });
  port.on('message', (message: ToFollower) => {
    switch (message.type) {
      case 'advance':
        follow.advance();
        break;
      case 'settle':
        follow.settle(message.writer, message.position);
        break;
      case 'drain':
        void follow.drain(message).then((result) => {
          send({ type: 'drained', ...result });
        });
        break;
      case 'close':
        void follow.close().then(() => {
          port.close();
        });
        break;
    }
  });
}
