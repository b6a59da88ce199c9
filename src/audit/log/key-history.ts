import { type CheckpointSigner, isSigned, isSignedAs, signedNote } from './checkpoint';

/** A key that signs checkpoints, and when it is used, in milliseconds since 1970. */
export interface LedgerKey {
  /** 1 for the first. */
  readonly number: number;
  readonly publicKey: Buffer;
  readonly usedFrom: number;
  /** Infinity for the newest. */
  readonly usedUntil: number;
  /** The signed note by which the key before vouches for it; null for the first. */
  readonly statement: string | null;
}

/** A key that is good at any time, or one with the time of its use. */
export type CheckpointKey = Buffer | LedgerKey;

export type CheckpointKeys = Buffer | readonly CheckpointKey[];

const NAME = 'remit/audit/keys';

/** For how long after its successor's first use a key may sign, and how far clocks may differ. Milliseconds. */
const TOLERANCE_MS = 2 * 60 * 60_000;

interface Stated {
  readonly number: number;
  readonly publicKey: Buffer;
  readonly former: Buffer;
  readonly usedFrom: number;
}

/**
 * A signed note (C2SP `signed-note`) that a key follows another one. Both sign it: the one before vouches for the new
 * one, and whoever trusts the new one already can look back.
 */
export function statementFor(
  stated: Stated,
  by: { readonly former: CheckpointSigner; readonly next: CheckpointSigner },
): string {
  return signedNote(NAME, textOf(stated), [by.former, by.next]);
}

const textOf = ({ number, publicKey, former, usedFrom }: Stated): string =>
  [
    NAME,
    `key ${number}`,
    publicKey.toString('base64'),
    `used from ${new Date(usedFrom).toISOString()}`,
    `after ${former.toString('base64')}`,
    '',
  ].join('\n');

/**
 * Checks that each key is vouched for by the one before.
 * @param pinned a key that the verifier knows; without it the first one is taken as it is
 * @returns the keys from the first broken link on are left out; `fault` says what is wrong
 */
export async function chainOf(
  history: readonly LedgerKey[],
  pinned?: Buffer,
): Promise<{ readonly keys: CheckpointKeys; readonly fault: string | undefined }> {
  if (pinned && !history.some(({ publicKey }) => publicKey.equals(pinned))) return { keys: pinned, fault: undefined };
  // A chain that broke before the pinned key says nothing of the keys from it on.
  const known = pinned ? history.findIndex(({ publicKey }) => publicKey.equals(pinned)) : 0;
  let [from, to] = [known, known];
  while (from > 0 && (await isVouched(history[from - 1], history[from]))) from--;
  while (to + 1 < history.length && (await isVouched(history[to], history[to + 1]))) to++;
  const keys = history.slice(from, to + 1);
  if (keys.length === history.length) return { keys, fault: undefined };
  const broken = history[to + 1]?.number ?? history[from]?.number;
  return { keys, fault: `key ${broken} of the ledger is not vouched for by the key before it` };
}

async function isVouched(former: LedgerKey | undefined, next: LedgerKey | undefined): Promise<boolean> {
  if (!former || !next?.statement) return false;
  const { number, publicKey, usedFrom, statement } = next;
  if (!statement.startsWith(`${textOf({ number, publicKey, usedFrom, former: former.publicKey })}\n`)) return false;
  return (await isSignedAs(NAME, statement, former.publicKey)) && (await isSignedAs(NAME, statement, publicKey));
}

/**
 * Whether one of the keys signed a checkpoint.
 * @param at when, in milliseconds since 1970: then only keys of that time count
 */
export async function isSignedBy(note: string, keys: CheckpointKeys, at?: number): Promise<boolean> {
  for (const key of keysAt(keys, at)) if (await isSigned(note, key)) return true;
  return false;
}

/** The key of a history that signed a checkpoint; the newest of several. */
export async function signerOf(note: string, history: readonly LedgerKey[]): Promise<LedgerKey | undefined> {
  for (const key of history.toReversed()) if (await isSigned(note, key.publicKey)) return key;
  return undefined;
}

function keysAt(keys: CheckpointKeys, at: number | undefined): readonly Buffer[] {
  if (Buffer.isBuffer(keys)) return [keys];
  const isOfThen = ({ usedFrom, usedUntil }: LedgerKey) =>
    at === undefined || (at >= usedFrom - TOLERANCE_MS && at < usedUntil + TOLERANCE_MS);
  return keys.flatMap((key) => (Buffer.isBuffer(key) ? [key] : isOfThen(key) ? [key.publicKey] : []));
}
