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

  create(): Promise<string> {
    return this.#now.create();
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

  async destroy(id: string): Promise<number> {
    return (await this.#holderOf(id)).destroy(id);
  }

  async close(): Promise<void> {
    await Promise.all([this.#now.close(), this.#before.close()]);
  }

  async #holderOf(id: string): Promise<RootKeys> {
    return (await this.#before.ids()).includes(id) ? this.#before : this.#now;
  }
}
