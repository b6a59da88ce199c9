import type { RootKeys } from './root-keys';

/**
 * Roots on their way from one place to another: new ones are made in the new place, those of the old one are used until
 * the epoch's turn has destroyed them.
 */
export class MovingRoots implements RootKeys {
  readonly #now: RootKeys;
  readonly #before: RootKeys;

  constructor(now: RootKeys, before: RootKeys) {
    this.#now = now;
    this.#before = before;
  }

  get places(): readonly string[] {
    return [...this.#now.places, ...this.#before.places];
  }

  get isLocal(): boolean {
    return this.#now.isLocal && this.#before.isLocal;
  }

  create(note?: (id: string) => Promise<void>): Promise<string> {
    return this.#now.create(note);
  }

  first(): Promise<string> {
    return this.#now.first();
  }

  async ids(): Promise<readonly string[]> {
    return [...(await this.#now.ids()), ...(await this.#before.ids())];
  }

  async wrap(id: string, key: Buffer, context: string): Promise<Buffer> {
    return (await this.#holderOf(id)).wrap(id, key, context);
  }

  async unwrap(id: string, wrapped: Buffer, context: string): Promise<Buffer> {
    return (await this.#holderOf(id)).unwrap(id, wrapped, context);
  }

  async placeOf(id: string): Promise<string> {
    return (await this.#holderOf(id)).placeOf(id);
  }

  async destroy(id: string, place?: string): Promise<number> {
    const wasBefore = place !== undefined && this.#before.places.includes(place);
    return (wasBefore ? this.#before : await this.#holderOf(id)).destroy(id, place);
  }

  async sweep(used: () => Promise<readonly string[]>): Promise<void> {
    await this.#now.sweep(used);
    await this.#before.sweep(used);
  }

  async close(): Promise<void> {
    await Promise.all([this.#now.close(), this.#before.close()]);
  }

  async #holderOf(id: string): Promise<RootKeys> {
    return (await this.#before.ids()).includes(id) ? this.#before : this.#now;
  }
}
