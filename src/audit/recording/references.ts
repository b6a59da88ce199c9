import { LRUCache } from 'lru-cache';
import { type DerivedKeys, macOf } from '../../keys/derived-keys';
import { ClientKeyError } from '../../keys/errors';
import type { KeyHandle } from '../../keys/held-key';
import { KEY_CACHE_TTL_MS } from '../../keys/key-cache';
import type { KeyStore } from '../../keys/key-store';
import { platformKey } from '../../keys/platform-key';
import { seal, unseal } from '../../keys/sealing';
import type { DecidedRow, DecidedValue } from '../../storage/decided-row';

const SUBJECT = 'remit/v1/audit-subject';
const PRINCIPAL = 'audit-principal';
const DECISION = 'audit-decision';

/** A principal in an entry: a reference for finding it, and the name, sealed under the client's key. */
export interface SealedPrincipal {
  readonly reference: string;
  readonly sealed: string;
}

/** A decided row in an entry: texts as MACs, so that the ledger repeats none; numbers and nulls as they are. */
export type KeptDecision = {
  readonly table: string;
  readonly row: string;
  readonly columns: { readonly [column: string]: DecidedValue } | null;
};

/**
 * How entries refer to people. A data subject's reference is an HMAC under the subject's own key: once that key is
 * destroyed nobody can compute it, and the entries name nobody (statement D2, D6; docs/pitfalls.md, 28). A principal's
 * name is sealed under the client's key and goes with it.
 */
export class References {
  readonly #keys: KeyStore;
  /** Cached no longer than the keys themselves. */
  readonly #principals = new LRUCache<string, SealedPrincipal>({ max: 10_000, ttl: KEY_CACHE_TTL_MS });

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  /**
   * The references of subjects, sorted. A subject whose key is gone has none, and neither has anybody of a client whose
   * key is gone.
   */
  async subjects(client: string, ids: ReadonlySet<string>): Promise<string[]> {
    if (ids.size === 0) return [];
    try {
      return await this.#keys.withSubjectKeys(client, ids, referencesBy);
    } catch (error) {
      if (!(error instanceof ClientKeyError)) throw error;
      return [];
    }
  }

  /** The same without reading a key; undefined where one has to be read. */
  knownSubjects(client: string | undefined, ids: ReadonlySet<string>): string[] | undefined {
    if (client === undefined || ids.size === 0) return [];
    return this.#keys.withKnownSubjectKeys(client, ids, referencesBy);
  }

  /** A subject's reference, for looking up entries; undefined once the subject is erased. */
  async subject(client: string, id: string): Promise<string | undefined> {
    const [reference] = await this.subjects(client, new Set([id]));
    return reference;
  }

  /** A principal that was looked up a while ago. */
  knownPrincipal(client: string | undefined, name: string): SealedPrincipal | undefined {
    return this.#principals.get(`${client ?? ''}:${name}`);
  }

  async principal(client: string | undefined, name: string): Promise<SealedPrincipal> {
    const known = this.knownPrincipal(client, name);
    if (known) return known;
    const key = await this.#ownKey(client, PRINCIPAL);
    const principal = {
      reference: macOf(key, name),
      sealed: seal(key, name, PRINCIPAL).toString('base64url'),
    };
    this.#principals.set(`${client ?? ''}:${name}`, principal);
    return principal;
  }

  /** Every reference that entries may have of a principal: one for each secret that the client has had. */
  async principalReferences(client: string | undefined, name: string): Promise<string[]> {
    const keys = (await this.#clientKeys(client, PRINCIPAL)) ?? (await this.#platformKeys(PRINCIPAL));
    return keys.all.map((key) => macOf(key, name));
  }

  /** A principal's name; undefined once its client's key is gone. */
  async nameOf(client: string | undefined, sealed: string): Promise<string | undefined> {
    const own = (await this.#clientKeys(client, PRINCIPAL))?.all ?? [];
    for (const key of [...own.toReversed(), ...(await this.#platformKeys(PRINCIPAL)).all]) {
      try {
        return String(unseal(key, Buffer.from(sealed, 'base64url'), PRINCIPAL));
      } catch {
        // Not sealed under this key.
      }
    }
    return undefined;
  }

  /**
   * What an entry keeps of decided rows. A row about a person is kept under that person's key, and is unreadable once
   * it is destroyed.
   */
  async decisions(client: string | undefined, decided: readonly DecidedRow[]): Promise<KeptDecision[]> {
    return (await this.decisionsOf(client, decided)).filter((kept) => kept !== undefined);
  }

  /** The same for each row; undefined for a person whose key is gone. */
  async decisionsOf(
    client: string | undefined,
    decided: readonly DecidedRow[],
  ): Promise<Array<KeptDecision | undefined>> {
    return this.#keptBy(await this.#ownKey(client, DECISION), client, decided);
  }

  /** What entries may have kept of a row, under each secret that the client has had; the newest is the first. */
  async decisionsEver(client: string | undefined, decided: DecidedRow): Promise<KeptDecision[]> {
    const { all } = (await this.#clientKeys(client, DECISION)) ?? (await this.#platformKeys(DECISION));
    const ever: KeptDecision[] = [];
    for (const own of all.toReversed()) {
      const [kept] = await this.#keptBy(own, client, [decided]);
      if (kept) ever.push(kept);
      // A person's row is kept under the person's key, which stays the same.
      if (decided.subject !== undefined) break;
    }
    return ever;
  }

  async #keptBy(
    own: Buffer,
    client: string | undefined,
    decided: readonly DecidedRow[],
  ): Promise<Array<KeptDecision | undefined>> {
    const ids = new Set(decided.flatMap(({ subject }) => subject ?? []));
    const kept = (handles: ReadonlyMap<string, KeyHandle>) =>
      decided.map(({ table, row, columns, subject }) => {
        const key = subject === undefined ? { mac: (text: string) => macOf(own, text) } : handles.get(subject);
        const reference = subject === undefined ? row : key?.mac(SUBJECT);
        if (!key || reference === undefined) return undefined;
        const name = subject === undefined ? row : `${row}/${reference}`;
        return {
          table,
          row: name,
          columns: columns && keptColumns(table, row, columns, (text) => key.mac(text) ?? ''),
        };
      });
    if (client === undefined || ids.size === 0) return kept(new Map());
    return this.#keys.withSubjectKeys(client, ids, kept);
  }

  /** What happens after a client's end is done by the platform, under its own key. */
  async #ownKey(client: string | undefined, use: typeof PRINCIPAL | typeof DECISION): Promise<Buffer> {
    return ((await this.#clientKeys(client, use)) ?? (await this.#platformKeys(use))).current;
  }

  async #platformKeys(use: typeof PRINCIPAL | typeof DECISION): Promise<DerivedKeys> {
    const current = await platformKey(this.#keys, use);
    return { current, all: [current] };
  }

  async #clientKeys(
    client: string | undefined,
    use: typeof PRINCIPAL | typeof DECISION,
  ): Promise<DerivedKeys | undefined> {
    if (client === undefined) return undefined;
    try {
      return await this.#keys.derivedKeys(client, use);
    } catch (error) {
      if (error instanceof ClientKeyError) return undefined;
      throw error;
    }
  }
}

function referencesBy(keys: ReadonlyMap<string, KeyHandle>): string[] {
  const references: string[] = [];
  for (const key of keys.values()) {
    const reference = key.mac(SUBJECT);
    if (reference !== undefined) references.push(reference);
  }
  return references.sort();
}

function keptColumns(
  table: string,
  row: string,
  columns: NonNullable<DecidedRow['columns']>,
  mac: (text: string) => string,
): NonNullable<KeptDecision['columns']> {
  const values = Object.entries(columns).map(
    ([column, value]) =>
      [column, typeof value === 'string' ? mac(`${DECISION}|${table}|${row}|${column}|${value}`) : value] as const,
  );
  return Object.fromEntries(values);
}
