import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { discoverKeys } from './openid-discovery';
import { IssuerUnavailableError } from './token-errors';

/** The keys that an issuer published at one time. The same object until it publishes others. */
export type KeySet = ReturnType<typeof createLocalJWKSet>;

/** Whether tokens of the issuer can be verified, and what is wrong with it, if anything. */
export interface IssuerState {
  /** Its keys are known, now or from before. */
  readonly usable: boolean;
  readonly fault: string | undefined;
}

/** The issuer is asked at most this often, however many tokens name unknown keys. */
const COOLDOWN_MS = 2_000;
/** Keys older than this are fetched again, so that revoked ones are dropped. */
const MAX_AGE_MS = 5 * 60_000;

/** An issuer's keys. A new key is fetched when a token names it. Known keys survive an outage of the issuer. */
export class IssuerKeys {
  #keys: KeySet | undefined;
  #published = '';
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fault: IssuerUnavailableError | undefined;
  #pending: Promise<void> | undefined;

  /** @param onChange called when the issuer becomes unreachable, and when it is reachable again */
  constructor(
    readonly issuer: string,
    private readonly onChange: (fault: IssuerUnavailableError | undefined) => void = () => undefined,
  ) {}

  /** @throws {IssuerUnavailableError} where none are known */
  async current(): Promise<KeySet> {
    if (!this.#keys || performance.now() - this.#fetchedAt > MAX_AGE_MS) {
      const fetched = this.#refetch();
      // During a known outage, nobody waits whose token can be verified with known keys.
      if (!this.#keys || !this.#fault) await fetched;
    }
    if (this.#keys) return this.#keys;
    throw this.#fault ?? new IssuerUnavailableError('its keys cannot be had');
  }

  /** Keys that the issuer has published since, for a token that none of the known keys signed. */
  async otherThan(used: KeySet): Promise<KeySet | undefined> {
    if (this.#keys === used) await this.#refetch();
    return this.#keys === used ? undefined : this.#keys;
  }

  /** The fault of the last request to the issuer. */
  get fault(): IssuerUnavailableError | undefined {
    return this.#fault;
  }

  /** Asks the issuer, if that is due. */
  async state(): Promise<IssuerState> {
    await this.current().catch(() => undefined);
    if (this.#fault) await this.#refetch();
    return { usable: this.#keys !== undefined, fault: this.#fault?.message };
  }

  /** Never rejects. On a failure the fault is kept, and so are the keys. */
  async #refetch(): Promise<void> {
    if (this.#pending || performance.now() - this.#triedAt < COOLDOWN_MS) return this.#pending;
    this.#triedAt = performance.now();
    this.#pending = this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #fetch(): Promise<void> {
    try {
      const published = await discoverKeys(this.issuer);
      const text = JSON.stringify(published);
      if (text !== this.#published) this.#keys = keySetOf(published);
      this.#published = text;
      this.#fetchedAt = performance.now();
      this.#told(undefined);
    } catch (error) {
      this.#told(
        error instanceof IssuerUnavailableError ? error : new IssuerUnavailableError('its keys cannot be had'),
      );
    }
  }

  #told(fault: IssuerUnavailableError | undefined): void {
    const before = this.#fault;
    this.#fault = fault;
    if (before?.message !== fault?.message) this.onChange(fault);
  }
}

function keySetOf(published: Record<string, unknown>): KeySet {
  try {
    return createLocalJWKSet(published as unknown as JSONWebKeySet);
  } catch (error) {
    throw new IssuerUnavailableError('what it publishes is no key set', { cause: error });
  }
}
