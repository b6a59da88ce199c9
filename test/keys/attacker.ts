import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { SEAL_OVERHEAD_BYTES } from '../../src/keys/envelope';
import { epochContext } from '../../src/keys/epochs/epoch-keys';
import type { RootKeys } from '../../src/keys/roots/root-keys';
import { unseal } from '../../src/keys/sealing';
import { decodeRing, encodeRing, ended, type SecretGeneration } from '../../src/keys/secret-ring';
import { bucketContext, KEY_BYTES, nodeContext, opened, subjectContext } from '../../src/keys/wrapping';

/** A wrapped key's length. Canaries are as long, so that one search finds both. */
const BLOB_BYTES = KEY_BYTES + SEAL_OVERHEAD_BYTES;
/** The most secrets that a client has had. */
const MOST_SECRETS = 3;
/** A canary's text. */
export const canaryOf = (place: number): string => `canary-${String(place).padStart(23, '0')}`;
export const canaryContext = (person: string): string => `person:${person}`;
/** Every id of the forensic test begins with it, so that files are searched once for all of them. */
export const MARK = 'f0f1f2f3-';
const ID_BYTES = 36;
/**
 * How far behind an id a blob of its row may begin, in the files of SQLite and InnoDB and in binary logs: two of a
 * client's row are behind other columns.
 */
const [REACH, REACH_OF_CLIENTS] = [32, 176];
/** More than there are of each. */
const [MOST_EPOCHS, MOST_BUCKETS] = [8, 6];

/** The lengths of wrapped secrets, of which some are ended, and one or two are not; the first one stands alone. */
const RING_BYTES = Array.from({ length: MOST_SECRETS }, (_, number): SecretGeneration => {
  return { number, usedFrom: 0, secret: Buffer.alloc(KEY_BYTES), kept: new Map() };
}).flatMap((_, count, all) => {
  const gone = all.slice(0, count).map(ended);
  return [1, 2].map((living) => encodeRing([...gone, ...all.slice(0, living)]).length + SEAL_OVERHEAD_BYTES);
});
const SECRET_BYTES = [BLOB_BYTES, ...RING_BYTES];

/** What an attack came to. */
export interface Loot {
  /** Persons whose keys were opened. */
  readonly persons: ReadonlySet<string>;
  /** Canaries that were read. */
  readonly canaries: ReadonlySet<string>;
}

/**
 * Who has every file of both stores as it was at any moment, and every row. Everything that can be opened with some
 * roots is opened, and what that opens in turn, until nothing more comes.
 */
export class Attacker {
  readonly #clients: readonly string[];
  /** Every blob ever seen, by the id that stood before it. */
  readonly #blobs = new Map<string, Map<string, Buffer>>();
  /** Blobs that stood in files. */
  readonly #carved = new Set<string>();
  #roots = new Set<string>();

  constructor(clients: readonly string[]) {
    this.#clients = clients;
  }

  /** Whether some file held a blob. */
  hasCarved(blob: Buffer): boolean {
    return this.#carved.has(blob.toString('base64'));
  }

  /** @param keys a store, or a transaction of it: what it would commit is in its log already */
  async seeRows(keys: Pick<DataSource, 'query'>, data: DataSource): Promise<void> {
    for (const row of await keys.query<Array<{ root_id: string; wrapped: Buffer }>>('SELECT * FROM key_epoch')) {
      this.#roots.add(row.root_id);
      this.#see(row.root_id, row.wrapped);
    }
    const seeAll = async (source: Pick<DataSource, 'query'>, table: string, id: string) => {
      for (const row of await source.query<Array<Record<string, unknown>>>(`SELECT * FROM ${table}`)) {
        for (const value of Object.values(row)) if (Buffer.isBuffer(value)) this.#see(String(row[id]), value);
      }
    };
    await seeAll(keys, 'client_key', 'client_id');
    await seeAll(keys, 'bucket_key', 'client_id');
    await seeAll(keys, 'subject_key', 'subject_id');
    await seeAll(data, 'person', 'id');
  }

  /** As {@link seeFiles}, of a copy of the folder as it is now: its files may change meanwhile. */
  seeCopyOf(folder: string): void {
    const copy = mkdtempSync(join(tmpdir(), 'remit-copy-'));
    // Elsewhere: a process that closes a file gives up all locks that its own SQLite has on that file.
    execFileSync('cp', ['--recursive', folder, copy]);
    this.seeFiles(copy);
    rmSync(copy, { recursive: true });
  }

  /** Carves blobs out of every file under a folder: undo pages, logs, free pages, whatever is there. */
  seeFiles(folder: string): void {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) this.#seeFile(readFileSync(join(entry.parentPath, entry.name)));
    }
  }

  /** @returns what the roots open, from all that was seen */
  async attack(roots: RootKeys): Promise<Loot> {
    const persons = new Set<string>();
    const canaries = new Set<string>();
    for (const client of this.#clients) {
      const nodes = await this.#nodes(roots, client);
      for (const bucket of distinct(nodes.flatMap((node) => this.#buckets(node, client))))
        this.#openPersons(bucket, client, persons, canaries);
    }
    return { persons, canaries };
  }

  /** @returns the clients' secrets that the roots open: those that derive blind indexes and the like */
  async secrets(roots: RootKeys): Promise<Buffer[]> {
    const secrets: Buffer[] = [];
    for (const client of this.#clients) {
      for (const node of await this.#nodes(roots, client)) {
        const contextOf = (number: number) => `client-secret${number === 1 ? '' : 's'}:${client}`;
        const rings = this.#all(node, client, contextOf, 2, SECRET_BYTES).map(decodeRing);
        secrets.push(...rings.flat().flatMap(({ secret }) => secret ?? []));
      }
    }
    return distinct(secrets);
  }

  async #nodes(roots: RootKeys, client: string): Promise<Buffer[]> {
    const epochs = await this.#epochKeys(roots);
    return distinct(
      epochs.flatMap((epoch) => this.#all(epoch, client, (number) => nodeContext(client, number), MOST_EPOCHS)),
    );
  }

  async #epochKeys(roots: RootKeys): Promise<Buffer[]> {
    const keys: Buffer[] = [];
    const usable = await roots.ids();
    for (const id of this.#roots) {
      for (const blob of this.#blobs.get(id)?.values() ?? []) {
        for (const root of usable) {
          for (let number = 1; number <= MOST_EPOCHS; number++) {
            const key = await roots.unwrap(root, blob, epochContext(number)).catch(() => undefined);
            if (key) keys.push(key);
          }
        }
      }
    }
    return distinct(keys);
  }

  #buckets(node: Buffer, client: string): Buffer[] {
    const contexts = Array.from({ length: MOST_BUCKETS }, (_, index) => index + 1);
    return contexts.flatMap((bucket) =>
      this.#all(node, client, (number) => bucketContext(client, bucket, number), MOST_EPOCHS),
    );
  }

  #openPersons(bucket: Buffer, client: string, persons: Set<string>, canaries: Set<string>): void {
    for (const [id, blobs] of this.#blobs) {
      if (persons.has(id) || this.#clients.includes(id) || this.#roots.has(id)) continue;
      for (const blob of blobs.values()) {
        const key = opened(bucket, blob, subjectContext(client, id));
        if (!key) continue;
        persons.add(id);
        for (const sealed of blobs.values()) {
          try {
            canaries.add(String(unseal(key, sealed, canaryContext(id))));
          } catch {
            // It is another blob of the person's.
          }
        }
      }
    }
  }

  /** @param lengths of what was wrapped: to try every blob by every context takes minutes */
  #all(by: Buffer, id: string, contextOf: (number: number) => string, most: number, lengths = [BLOB_BYTES]): Buffer[] {
    const keys: Buffer[] = [];
    for (const blob of this.#blobs.get(id)?.values() ?? []) {
      if (!lengths.includes(blob.length)) continue;
      for (let number = 1; number <= most; number++) {
        const key = opened(by, blob, contextOf(number));
        if (key) keys.push(key);
      }
    }
    return distinct(keys);
  }

  #seeFile(bytes: Buffer): void {
    for (const mark of [MARK, ...this.#roots]) {
      for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + 1)) {
        const id = mark === MARK ? bytes.toString('latin1', at, at + ID_BYTES) : mark;
        const reach = this.#clients.includes(id) ? REACH_OF_CLIENTS : REACH;
        const lengths = this.#clients.includes(id) ? SECRET_BYTES : [BLOB_BYTES];
        for (let place = at + id.length; place <= at + id.length + reach; place++) {
          if (bytes[place] !== 1) continue;
          for (const length of lengths) {
            if (place + length > bytes.length) continue;
            const blob = Buffer.from(bytes.subarray(place, place + length));
            this.#carved.add(blob.toString('base64'));
            this.#see(id, blob);
          }
        }
      }
    }
  }

  /** What another process saw: pairs of an id and a blob in base64. */
  hear(text: string): void {
    for (const [id = '', blob = ''] of JSON.parse(text) as string[][]) this.#see(id, Buffer.from(blob, 'base64'));
  }

  #see(id: string, blob: Buffer): void {
    const blobs = this.#blobs.get(id) ?? new Map<string, Buffer>();
    this.#blobs.set(id, blobs);
    blobs.set(blob.toString('base64'), blob);
  }
}

const distinct = (keys: readonly Buffer[]): Buffer[] => [
  ...new Map(keys.map((key) => [key.toString('hex'), key])).values(),
];
