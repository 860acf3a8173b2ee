import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { rmSync } from 'node:fs';

/** One request to the engine, as the README's list writes them: `GET /containers/{id}/json`. */
export interface Asked {
  line: string;
  /** Parsed JSON; null where there is none. */
  body: unknown;
}

/** What stands in for the engine's answer; null: the engine itself answers. */
export type Intercept = (asked: Asked) => { status: number; json: Record<string, unknown> } | null;

/** A socket in front of an engine's: sees each request, and can answer in its place. */
export class DockerProxy {
  readonly host: string;
  /** Every kind of request so far. */
  readonly lines = new Set<string>();
  readonly #engineSocket: string;
  readonly #intercept: Intercept;
  readonly #server: Server;

  private constructor(engineHost: string, path: string, intercept: Intercept) {
    this.host = `unix://${path}`;
    this.#engineSocket = engineHost.slice('unix://'.length);
    this.#intercept = intercept;
    this.#server = createServer((incoming, answer) => void this.#handle(incoming, answer));
  }

  /** @param path of the socket that is made */
  static async open(
    engineHost: string,
    path: string,
    intercept: Intercept = () => null,
  ): Promise<DockerProxy> {
    const proxy = new DockerProxy(engineHost, path, intercept);
    await new Promise<void>((done) => proxy.#server.listen(path, done));
    return proxy;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.host.slice('unix://'.length), { force: true });
  }

  async #handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const line = `${incoming.method ?? ''} ${pattern(incoming.url ?? '')}`;
    this.lines.add(line);
    const instead = this.#intercept({
      line,
      body: body.length === 0 ? null : (JSON.parse(body.toString()) as unknown),
    });
    if (instead !== null) {
      answer.writeHead(instead.status, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(instead.json));
      return;
    }
    const { method, url, headers } = incoming;
    const passedOn = request({ socketPath: this.#engineSocket, method, path: url, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      answer.flushHeaders();
      reply.pipe(answer);
      reply.once('error', () => answer.destroy());
    });
    passedOn.once('error', () => answer.destroy());
    answer.once('close', () => passedOn.destroy());
    passedOn.end(body);
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The path without the API's version and the query, with names in place of names. */
function pattern(url: string): string {
  const path = decodeURIComponent(url.replace(/\?.*$/, '')).replace(/^\/v\d+\.\d+/, '');
  return path
    .replace(/^\/(containers|exec)\/(?!(?:json|create)$)[^/]+/, '/$1/{id}')
    .replace(/^\/images\/(?!json$).+\/json$/, '/images/{name}/json');
}
