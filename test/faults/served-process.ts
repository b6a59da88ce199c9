import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRemit } from '../support/cli';

export interface ServedOptions {
  /** Names the process in reports. */
  readonly name: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** `remit serve` in a process of its own, which is killed and started again on the same port. */
export class ServedProcess {
  readonly name: string;
  readonly #options: ServedOptions;
  #child: ReturnType<typeof startRemit> | undefined;
  #port = 0;
  #log = '';
  #generation = 0;
  #isServing = false;

  constructor(options: ServedOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/graphql`;
  }

  /** Grows with each kill. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether it listens, and the test has not ended it since. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** The lines that it logged so far. */
  get log(): string {
    return this.#log;
  }

  /** Starts it, and waits until it listens. @throws where it ends by itself, unless it was killed meanwhile */
  async start(): Promise<void> {
    const { folder, env } = this.#options;
    const child = startRemit(['serve'], { cwd: folder, env: { ...env, PORT: String(this.#port) } });
    this.#child = child;
    const said = new Promise<number>((resolve) => {
      let seen = '';
      const read = (chunk: Buffer) => {
        this.#log += chunk;
        if (this.#log.length > LOG_KEPT) this.#log = this.#log.slice(-LOG_KEPT);
        if (this.#port !== 0 && seen === LISTENING) return;
        seen += chunk;
        const port = /"msg":"listening on http:\/\/[\d.]+:(\d+)\/graphql"/.exec(seen)?.[1];
        if (port === undefined) return;
        seen = LISTENING;
        resolve(Number(port));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
    });
    const ended = once(child, 'exit').then(([code, signal]) => {
      if (signal === 'SIGKILL') return this.#port;
      throw new Error(`${this.name} ended with ${code}: ${this.#log.slice(-2_000)}`);
    });
    this.#port = await Promise.race([said, ended]);
    ended.catch(() => undefined);
    this.#isServing = true;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    this.#generation++;
    this.#isServing = false;
    child.kill(signal);
    const [code] = await ended;
    return code as number | null;
  }

  /** SIGKILL, and up again. */
  async crash(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Stops it for a while, as a machine that swaps does. */
  async freeze(milliseconds: number): Promise<void> {
    this.#child?.kill('SIGSTOP');
    await sleep(milliseconds);
    this.#child?.kill('SIGCONT');
  }
}

const LISTENING = 'it listens';
const LOG_KEPT = 200_000;
