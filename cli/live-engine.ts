import { EngineError } from '../src/engine/port.js';

/** Whoever asks what went wrong does not wait long for an engine that is part of it. */
const CONNECT_TIMEOUT_MS = 3000;

/** The container engine as it is right now. */
export interface EngineFacts {
  /** `not-asked`: the scan ran without containers. */
  state: 'answers' | 'does-not-answer' | 'not-asked';
  detail: string;
  /** Whether the workers' image is there; null: not known. */
  imageThere: boolean | null;
  /** Containers of this scan that still exist. */
  containers: { name: string; phase: 'created' | 'running' | 'exited' }[];
}

const NOT_ASKED: EngineFacts = { state: 'not-asked', detail: '', imageThere: null, containers: [] };

/** Asks the engine about itself and about containers of the scan. Never rejects for want of an engine. */
export async function lookAtEngine(options: {
  kind: string;
  scan: string | null;
  image: string;
  dataDir: string;
}): Promise<EngineFacts> {
  if (options.kind !== 'docker' || options.scan === null) return NOT_ASKED;
  const { createDockerEngine } = await import('../src/engine/docker.js');
  try {
    const { image, dataDir } = options;
    const engine = await createDockerEngine({
      image,
      dataDir,
      hostPaths: [],
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    try {
      const workers = await engine.list(options.scan);
      const { product, version } = engine.version;
      return {
        state: 'answers',
        detail: `${product} ${version}`,
        imageThere: await hasImage(() => engine.inspectImage()),
        containers: workers.map(({ name, phase }) => ({ name, phase })),
      };
    } finally {
      await engine.close();
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { state: 'does-not-answer', detail: error.message, imageThere: null, containers: [] };
  }
}

async function hasImage(inspect: () => Promise<unknown>): Promise<boolean | null> {
  try {
    await inspect();
    return true;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return error.code === 'image-missing' ? false : null;
  }
}
