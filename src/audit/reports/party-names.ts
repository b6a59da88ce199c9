import type { ThirdParties } from '../../register/third-parties';

/** Adds third parties' names to the ids and slugs in tokens and records. */
export class PartyNames {
  readonly #names: ReadonlyMap<string, string>;

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
  }

  static async from(parties: ThirdParties): Promise<PartyNames> {
    const known = [...(await parties.applications()), ...(await parties.subProcessors())];
    return new PartyNames(new Map(known.flatMap(({ id, slug, name }) => [[id, name] as const, [slug, name] as const])));
  }

  /** @param reference an id or a slug; anything else is returned as it is */
  of(reference: string): string {
    const name = this.#names.get(reference);
    return name === undefined || name === reference ? reference : `${name} (${reference})`;
  }
}
