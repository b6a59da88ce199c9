import type { HostingRegion } from '../storage/regions';
import type { DerivedKeys } from './derived-keys';
import type { KeyHandle } from './held-key';
import { type KeyDestruction, KeyStore } from './key-store';
import type { KeyStores } from './key-stores';

type Method<M extends keyof KeyStore> = KeyStore[M] extends (...given: infer G) => infer R ? [G, R] : never;
type Given<M extends keyof KeyStore> = Method<M>[0];
type Result<M extends keyof KeyStore> = Method<M>[1];

/**
 * The one face of several keys' stores: each call goes to the store of the client's region, and to no other. Where that
 * store is away the call fails; a key is never made or looked for elsewhere.
 *
 * Every method of {@link KeyStore} that takes a client is here, or it would go to the home store for all of them.
 */
export class RegionalKeyStore extends KeyStore {
  #stores: KeyStores | undefined;

  /** Called once, when the other stores are open. */
  spread(stores: KeyStores): void {
    this.#stores = stores;
  }

  override watch(watcher: (destruction: KeyDestruction) => Promise<void>): void {
    super.watch(watcher);
    for (const keys of this.#others()) keys.watch(watcher);
  }

  override async createClientKey(client: string, region?: HostingRegion): Promise<void> {
    const { keys } = this.#all.expect(client, region);
    return keys === this ? super.createClientKey(client) : keys.createClientKey(client);
  }

  override async derivedKey(...given: Given<'derivedKey'>): Promise<Buffer> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.derivedKey(...given) : super.derivedKey(...given);
  }

  override async derivedKeys(...given: Given<'derivedKeys'>): Promise<DerivedKeys> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.derivedKeys(...given) : super.derivedKeys(...given);
  }

  override derivedKeysAtHand(...given: Given<'derivedKeysAtHand'>): DerivedKeys | undefined {
    const known = this.#all.knownOf(given[0])?.keys;
    return known === this ? super.derivedKeysAtHand(...given) : known?.derivedKeysAtHand(...given);
  }

  override async createSubjectKeys(...given: Given<'createSubjectKeys'>): Promise<Map<string, Buffer>> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.createSubjectKeys(...given) : super.createSubjectKeys(...given);
  }

  override async subjectKeys(...given: Given<'subjectKeys'>): Promise<Map<string, Buffer>> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.subjectKeys(...given) : super.subjectKeys(...given);
  }

  override async withSubjectKeys<T>(
    client: string,
    subjects: ReadonlySet<string>,
    use: (handles: ReadonlyMap<string, KeyHandle>) => T,
  ): Promise<T> {
    const there = await this.#elsewhere(client);
    return there ? there.withSubjectKeys(client, subjects, use) : super.withSubjectKeys(client, subjects, use);
  }

  override withKnownSubjectKeys<T>(
    client: string,
    subjects: ReadonlySet<string>,
    use: (handles: ReadonlyMap<string, KeyHandle>) => T,
  ): T | undefined {
    const known = this.#all.knownOf(client)?.keys;
    return known === this
      ? super.withKnownSubjectKeys(client, subjects, use)
      : known?.withKnownSubjectKeys(client, subjects, use);
  }

  override async damagedAmong(...given: Given<'damagedAmong'>): Promise<ReadonlySet<string>> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.damagedAmong(...given) : super.damagedAmong(...given);
  }

  override async destroySubjectKey(...given: Given<'destroySubjectKey'>): Result<'destroySubjectKey'> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.destroySubjectKey(...given) : super.destroySubjectKey(...given);
  }

  override async destroySubjectKeysExcept(
    ...given: Given<'destroySubjectKeysExcept'>
  ): Result<'destroySubjectKeysExcept'> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.destroySubjectKeysExcept(...given) : super.destroySubjectKeysExcept(...given);
  }

  override async destroyClientKey(...given: Given<'destroyClientKey'>): Result<'destroyClientKey'> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.destroyClientKey(...given) : super.destroyClientKey(...given);
  }

  override async sweepOrphans(...given: Given<'sweepOrphans'>): Result<'sweepOrphans'> {
    const there = await this.#elsewhere(given[0]);
    return there ? there.sweepOrphans(...given) : super.sweepOrphans(...given);
  }

  override close(): void {
    for (const keys of this.#others()) keys.close();
    super.close();
  }

  get #all(): KeyStores {
    if (!this.#stores) throw new Error("the keys' stores of the regions are not open yet");
    return this.#stores;
  }

  #others(): KeyStore[] {
    return (this.#stores?.all() ?? []).map(({ keys }) => keys).filter((keys) => keys !== this);
  }

  async #elsewhere(client: string): Promise<KeyStore | undefined> {
    const { keys } = await this.#all.of(client);
    return keys === this ? undefined : keys;
  }
}
