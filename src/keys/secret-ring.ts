import { type DerivedKeys, type DerivedKeyUse, deriveKey, keptUses } from './derived-keys';
import { KEY_BYTES } from './wrapping';

/** One of a client's secrets. */
export interface SecretGeneration {
  /** 1 for the first. */
  readonly number: number;
  /** From when new things are made with its keys. Milliseconds since 1970. */
  readonly usedFrom: number;
  /** Undefined once it is destroyed. */
  readonly secret: Buffer | undefined;
  /** The keys that stay of a destroyed one, by their uses. */
  readonly kept: ReadonlyMap<string, Buffer>;
}

/** A client's secrets, the oldest first. All of them are wrapped together, so that they change at once. */
export type SecretRing = readonly SecretGeneration[];

/** The generations that are not destroyed: one, and two while a secret is replaced. */
export const livingIn = (ring: SecretRing): SecretGeneration[] => ring.filter(({ secret }) => secret !== undefined);

/** A generation without its secret. What must be found for ever keeps its key. */
export function ended({ number, usedFrom, secret, kept }: SecretGeneration): SecretGeneration {
  const own = secret ? keptUses.map((use) => [use, deriveKey(secret, use)] as const) : [];
  return { number, usedFrom, secret: undefined, kept: new Map([...kept, ...own]) };
}

const VERSION = 1;
const HEAD_BYTES = 14;

/** Until a client's secret is replaced for the first time, its 32 bytes stand alone. */
export function encodeRing(ring: SecretRing): Buffer {
  const parts: Buffer[] = [Buffer.of(VERSION)];
  for (const { number, usedFrom, secret, kept } of ring) {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(number, 0);
    head.writeDoubleBE(usedFrom, 4);
    head.writeUInt8(secret ? 1 : 0, 12);
    head.writeUInt8(kept.size, 13);
    parts.push(head);
    if (secret) parts.push(secret);
    for (const [use, key] of kept) parts.push(Buffer.of(use.length), Buffer.from(use, 'latin1'), key);
  }
  return Buffer.concat(parts);
}

/** Reads what {@link encodeRing} wrote. Its parts share the memory of `bytes`. */
export function decodeRing(bytes: Buffer): SecretRing {
  if (bytes.length === KEY_BYTES) return [{ number: 1, usedFrom: 0, secret: bytes, kept: new Map() }];
  if (bytes[0] !== VERSION) throw new Error("a client's secrets are of a newer version of this product");
  const ring: SecretGeneration[] = [];
  let at = 1;
  const take = (length: number): Buffer => {
    at += length;
    if (at > bytes.length) throw new Error("a client's secrets are cut off");
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const head = take(HEAD_BYTES);
    const secret = head.readUInt8(12) === 1 ? take(KEY_BYTES) : undefined;
    const kept = new Map<string, Buffer>();
    for (let left = head.readUInt8(13); left > 0; left--) {
      const use = take(take(1).readUInt8(0)).toString('latin1');
      kept.set(use, take(KEY_BYTES));
    }
    ring.push({ number: head.readUInt32BE(0), usedFrom: head.readDoubleBE(4), secret, kept });
  }
  return ring;
}

/** Each process looks for what others make with a new key this long before it is used itself. Milliseconds. */
const KNOWN_BEFORE_MS = 60_000;

const MOMENT_BYTES = 8;
const ENTRY_BYTES = MOMENT_BYTES + KEY_BYTES;

/** All keys of one use, each behind the moment of its first use: in this form they are cached. */
export function keysFor(ring: SecretRing, use: DerivedKeyUse): Buffer {
  const entries = ring.flatMap(({ usedFrom, secret, kept }) => {
    const key = secret ? deriveKey(secret, use) : kept.get(use);
    if (!key) return [];
    const moment = Buffer.alloc(MOMENT_BYTES);
    moment.writeDoubleBE(usedFrom);
    return [moment, key];
  });
  return Buffer.concat(entries);
}

/**
 * Reads what {@link keysFor} made. A secret that is announced for later gives no keys yet.
 * @param now milliseconds since 1970
 */
export function derivedKeysIn(entries: Buffer, now: number): DerivedKeys {
  const all: Buffer[] = [];
  let current: Buffer | undefined;
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    const key = entries.subarray(at + MOMENT_BYTES, at + ENTRY_BYTES);
    const usedFrom = entries.readDoubleBE(at);
    if (!current || usedFrom <= now + KNOWN_BEFORE_MS) all.push(key);
    if (!current || usedFrom <= now) current = key;
  }
  if (!current) throw new Error('a client has no secret that gives keys');
  return { current, all };
}
