import type { ThirdParties } from '../../register/third-parties';

/** Names of third parties beside what tokens and records call them. */
export class PartyNames {
  readonly #names: ReadonlyMap<string, string>;

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
  }

  static async from(parties: ThirdParties): Promise<PartyNames> {
    const known = [...(await parties.applications()), ...(await parties.subProcessors())];
    return new PartyNames(new Map(known.flatMap(({ id, slug, name }) => [[id, name] as const, [slug, name] as const])));
  }

  /** @param reference an id or a slug, or whatever else somebody is called: then that alone */
  of(reference: string): string {
    const name = this.#names.get(reference);
    return name === undefined || name === reference ? reference : `${name} (${reference})`;
  }
}
