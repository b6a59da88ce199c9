import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError } from '../../storage/errors';
import { RootKeyError, UnsealError } from '../errors';
import { RootUnavailableError } from './errors';
import type { RootKeys } from './root-keys';
import type { RootLocation } from './root-location';
import { placeDigest } from './root-place';

/** What a service was asked to do. */
export type Act = 'create' | 'list' | 'encrypt' | 'decrypt' | 'destroy';

/**
 * What a failure of a service means:
 * - AWAY: it does not answer, or not in time; it may later
 * - GONE: the key is not there or can no longer be used
 * - DAMAGED: these bytes do not open with this key and context
 * - REFUSED: it answers, and does not do this for this caller
 */
export type Meaning = 'AWAY' | 'GONE' | 'DAMAGED' | 'REFUSED';

/** A failure, and its code: what may be said of it. */
export interface Failure {
  readonly meaning: Meaning;
  readonly code: string;
}

/** A place that makes keys, uses them, and never gives them away. Its calls fail as those of its client do. */
export interface KeyService {
  /** As people call it. */
  readonly name: string;
  /** Makes a key. @returns its name there */
  create(signal: AbortSignal): Promise<string>;
  /** Names of the usable keys that were made for this installation. */
  list(signal: AbortSignal): Promise<readonly string[]>;
  encrypt(key: string, content: Buffer, context: string, signal: AbortSignal): Promise<Buffer>;
  decrypt(key: string, wrapped: Buffer, context: string, signal: AbortSignal): Promise<Buffer>;
  /** @returns when nobody can use the key any more; undefined where there is none of this name */
  destroy(key: string, signal: AbortSignal): Promise<number | undefined>;
  failureOf(error: unknown, act: Act): Failure;
  close(): void | Promise<void>;
}

const VARIABLE = 'REMIT_ROOT_KEY';
/**
 * How long one attempt may take. Making and destroying a key may take a service several calls and some waiting.
 * Milliseconds.
 */
const LIMITS = { use: 5_000, change: 60_000 };
const ATTEMPTS = 3;
/** Pauses are random, so that many processes do not come back at once. The longest possible one doubles each time. */
const FIRST_PAUSE_MS = 200;

/** Roots in a service that is asked for each use of a key: an HSM or a KMS. */
export class ServiceRoots implements RootKeys {
  readonly places: readonly [string];
  readonly isLocal = false;
  readonly #scheme: string;
  readonly #service: KeyService;
  readonly #limits: typeof LIMITS;

  constructor(location: RootLocation, service: KeyService, limits = LIMITS) {
    this.places = [placeDigest(location)];
    this.#scheme = location.scheme;
    this.#service = service;
    this.#limits = limits;
  }

  async create(note?: (id: string) => Promise<void>): Promise<string> {
    // Never repeated: each attempt may have made a key.
    const id = this.#idOf(await this.#attempt('create', (signal) => this.#service.create(signal)));
    await note?.(id);
    return id;
  }

  first(): Promise<string> {
    return this.create();
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#repeat('list', (signal) => this.#service.list(signal))).map((key) => this.#idOf(key));
  }

  async wrap(id: string, key: Buffer, context: string): Promise<Buffer> {
    const name = this.#nameOf(id);
    return this.#repeat('encrypt', (signal) => this.#service.encrypt(name, key, context, signal));
  }

  async unwrap(id: string, wrapped: Buffer, context: string): Promise<Buffer> {
    const name = this.#nameOf(id);
    return this.#repeat('decrypt', (signal) => this.#service.decrypt(name, wrapped, context, signal));
  }

  async destroy(id: string): Promise<number> {
    const name = this.#nameOf(id);
    return (await this.#repeat('destroy', (signal) => this.#service.destroy(name, signal))) ?? Date.now();
  }

  async placeOf(): Promise<string> {
    return this.places[0];
  }

  async sweep(): Promise<void> {
    // Whose a key is that no epoch uses, nobody can tell here. `remit doctor` names it.
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  #idOf(key: string): string {
    return `${this.#scheme}:${key}`;
  }

  #nameOf(id: string): string {
    const beginning = `${this.#scheme}:`;
    if (!id.startsWith(beginning)) throw this.#absent(id);
    return id.slice(beginning.length);
  }

  #absent(id: string): RootKeyError {
    const fault = `names ${this.#service.name}, but this store's keys are wrapped by ${id}, which is not there`;
    return new RootKeyError(VARIABLE, `${fault}; name the place where it is (docs/keys.md)`);
  }

  async #repeat<T>(act: Act, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(act, call);
      } catch (error) {
        if (!(error instanceof RootUnavailableError) || attempt === ATTEMPTS) throw error;
        await sleep(Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
      }
    }
  }

  async #attempt<T>(act: Act, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = act === 'create' || act === 'destroy' ? this.#limits.change : this.#limits.use;
    try {
      return await within(limit, call);
    } catch (error) {
      if (error instanceof ConfigurationError || error instanceof UnsealError) throw error;
      if (error instanceof TimeLimit) throw new RootUnavailableError(this.#service.name, 'TIMEOUT');
      throw this.#wordsFor(this.#service.failureOf(error, act), act);
    }
  }

  #wordsFor({ meaning, code }: Failure, act: Act): Error {
    const { name } = this.#service;
    switch (meaning) {
      case 'AWAY':
        return new RootUnavailableError(name, code);
      case 'DAMAGED':
        return new UnsealError();
      case 'GONE':
        return new RootKeyError(
          VARIABLE,
          `${name} no longer has a key that this store's keys are wrapped by (${code})`,
        );
      case 'REFUSED': {
        const fault = `${name} refused to ${act} (${code}); docs/keys.md lists the permissions that it needs`;
        return new ConfigurationError(VARIABLE, fault);
      }
    }
  }
}

class TimeLimit extends Error {}

/** Ends waiting after the limit even where a client does not heed its signal. */
async function within<T>(limitMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const end = (reject: (error: TimeLimit) => void) => {
    reject(new TimeLimit());
    ended.abort();
  };
  try {
    return await Promise.race([
      call(ended.signal),
      new Promise<never>((_, reject) => {
        timer = setTimeout(end, limitMs, reject);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Codes of Node for connections that failed. */
const connectionCode = /^(E[A-Z]{4,}|ERR_(SOCKET|STREAM|TLS)_[A-Z_]+|UND_ERR_[A-Z_]+)$/;

/** The code of an error, and of the one that caused it, where the connection failed; undefined for other errors. */
export function connectionFailureOf(error: unknown): string | undefined {
  for (let one = error; typeof one === 'object' && one !== null; one = (one as { cause?: unknown }).cause) {
    const { code } = one as { code?: unknown };
    if (typeof code === 'string' && connectionCode.test(code)) return code;
  }
  return undefined;
}
