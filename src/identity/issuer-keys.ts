import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { discoverKeys } from './openid-discovery';
import { IssuerUnavailableError } from './token-errors';

/** The keys that an issuer published at one time; the same object until it publishes others. */
export type KeySet = ReturnType<typeof createLocalJWKSet>;

/** Whether tokens of the issuer can be verified, and what is wrong with it, if anything. */
export interface IssuerState {
  /** Its keys are known, of now or from before. */
  readonly usable: boolean;
  readonly fault: string | undefined;
}

/** The issuer is asked no oftener than this, whoever sends tokens of keys that are not there. */
const COOLDOWN_MS = 2_000;
/** Keys older than this are asked for again, so that one which the issuer took back is let go. */
const MAX_AGE_MS = 5 * 60_000;

/** An issuer's keys: a new one is found when a token asks for it, and those that are known outlast an outage. */
export class IssuerKeys {
  #keys: KeySet | undefined;
  #published = '';
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fault: IssuerUnavailableError | undefined;
  #pending: Promise<void> | undefined;

  /** @param onChange told when the issuer can be reached no more, and when it can again */
  constructor(
    readonly issuer: string,
    private readonly onChange: (fault: IssuerUnavailableError | undefined) => void = () => undefined,
  ) {}

  /** @throws {IssuerUnavailableError} where none are known */
  async current(): Promise<KeySet> {
    if (!this.#keys || performance.now() - this.#fetchedAt > MAX_AGE_MS) {
      const fetched = this.#refetch();
      // An outage that is known already keeps nobody waiting whose token can be verified all the same.
      if (!this.#keys || !this.#fault) await fetched;
    }
    if (this.#keys) return this.#keys;
    throw this.#fault ?? new IssuerUnavailableError('its keys cannot be had');
  }

  /** Other keys than those that a token was not signed with, where the issuer has published them since. */
  async otherThan(used: KeySet): Promise<KeySet | undefined> {
    if (this.#keys === used) await this.#refetch();
    return this.#keys === used ? undefined : this.#keys;
  }

  /** What went wrong when the issuer was asked last. */
  get fault(): IssuerUnavailableError | undefined {
    return this.#fault;
  }

  /** Asks the issuer, where that is due. */
  async state(): Promise<IssuerState> {
    await this.current().catch(() => undefined);
    if (this.#fault) await this.#refetch();
    return { usable: this.#keys !== undefined, fault: this.#fault?.message };
  }

  /** Never rejects: what went wrong is kept, and so are the keys. */
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
