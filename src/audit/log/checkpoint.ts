import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** The state of a log at one size (C2SP `tlog-checkpoint`). */
export interface Checkpoint {
  /** The name of the log and of its key. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

const ORIGIN_PREFIX = 'remit/audit/';

/** A log's name in its checkpoints (C2SP tlog-checkpoint). */
export const originOf = (logId: string): string => `${ORIGIN_PREFIX}${logId}`;

/** The log behind a checkpoint's origin; undefined where it is not one of ours. */
export const logOf = (origin: string): string | undefined =>
  origin.startsWith(ORIGIN_PREFIX) ? origin.slice(ORIGIN_PREFIX.length) : undefined;

/** Signature types of notes (C2SP signed-note). */
const ED25519 = Buffer.of(1);
const COSIGNATURE = Buffer.of(4);
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;

/** The key that an installation signs its logs with. */
export class CheckpointSigner {
  readonly publicKey: Buffer;
  readonly #privateKey: KeyObject;

  /** @param seed 32 bytes, the private key of RFC 8032 */
  constructor(seed: Buffer) {
    this.#privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    this.publicKey = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES);
  }

  /** A line of a signed note: this key's signature of the text, by a name. */
  lineFor(name: string, text: string): string {
    const signature = sign(null, Buffer.from(text), this.#privateKey);
    return `— ${name} ${Buffer.concat([keyId(name, this.publicKey), signature]).toString('base64')}\n`;
  }
}

/** A text with the signatures of all signers: a signed note (C2SP `signed-note`). */
export const signedNote = (name: string, text: string, signers: readonly CheckpointSigner[]): string =>
  `${text}\n${signers.map((signer) => signer.lineFor(name, text)).join('')}`;

/** The checkpoint as a signed note. The keys have the log's name, as `tlog-checkpoint` requires. */
export const signedCheckpointNote = (checkpoint: Checkpoint, signers: readonly CheckpointSigner[]): string =>
  signedNote(checkpoint.origin, textOf(checkpoint), signers);

/** The public key in the form of signed-note tools: `name+id+key`. */
export function verifierKey(origin: string, publicKey: Buffer): string {
  const key = Buffer.concat([ED25519, publicKey]).toString('base64');
  return `${origin}+${keyId(origin, publicKey).toString('hex')}+${key}`;
}

/**
 * Reads a public key: a verifier key of a signed note, 32 bytes in base64 or hex, or PEM.
 * @throws {Error} in words for the person who typed it
 */
export function readPublicKey(text: string): Buffer {
  const trimmed = text.trim();
  if (trimmed.startsWith('-----BEGIN')) {
    const key = createPublicKey(trimmed);
    if (key.asymmetricKeyType === 'ed25519') return key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES);
  } else {
    const named = /^[^\s+]+\+[0-9a-f]{8}\+([A-Za-z0-9+/]+=*)$/.exec(trimmed)?.[1];
    const bytes = /^[0-9a-f]{64}$/i.test(trimmed)
      ? Buffer.from(trimmed, 'hex')
      : Buffer.from(named ?? trimmed, 'base64');
    if (bytes.length === KEY_BYTES) return bytes;
    if (bytes.length === KEY_BYTES + 1 && bytes[0] === ED25519[0]) return bytes.subarray(1);
  }
  throw new Error('The key must be an Ed25519 public key: a verifier key (name+id+key), base64, or PEM.');
}

/**
 * Parses the checkpoint in a note, without checking signatures.
 * @throws {Error} where it is not a checkpoint
 */
export function parseCheckpoint(note: string): Checkpoint {
  const [text = '', signatures] = note.split('\n\n', 2);
  const [origin, size, root, ...extensions] = text.split('\n');
  const hash = Buffer.from(root ?? '', 'base64');
  const sound =
    signatures?.endsWith('\n') &&
    origin &&
    /^(0|[1-9]\d{0,15})$/.test(size ?? '') &&
    hash.length === 32 &&
    hash.toString('base64') === root &&
    extensions.every((line) => line !== '');
  if (!sound) throw new Error('This is not a checkpoint by C2SP tlog-checkpoint.');
  return { origin, size: Number(size), root: hash };
}

/** The checkpoint in a note; undefined where it holds none. */
export function checkpointIn(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(note);
  } catch {
    return undefined;
  }
}

/** Whether the log's own key signed the note. Others, such as witnesses, may have signed it too. */
export function isSigned(note: string, publicKey: Buffer): Promise<boolean> {
  return isSignedAs(note.slice(0, note.indexOf('\n')), note, publicKey);
}

/** Whether a key signed the note by a name. */
export async function isSignedAs(name: string, note: string, publicKey: Buffer): Promise<boolean> {
  for (const signature of signaturesOf(note, name, keyId(name, publicKey), 64)) {
    if (await verified(Buffer.from(textIn(note)), publicKey, signature)) return true;
  }
  return false;
}

/**
 * When a witness signed the note (C2SP tlog-cosignature: Ed25519 over a time and the checkpoint).
 * @param key the witness's verifier key, `name+id+key`
 * @returns undefined where it did not
 * @throws {Error} where the key is no witness's key
 */
export async function cosignedAt(note: string, key: string): Promise<Date | undefined> {
  const { name, publicKey } = witnessOf(key);
  for (const signature of signaturesOf(note, name, keyId(name, publicKey, COSIGNATURE), 72)) {
    const time = signature.readBigUInt64BE();
    const text = `cosignature/v1\ntime ${time}\n${textIn(note)}`;
    if (await verified(Buffer.from(text), publicKey, signature.subarray(8))) return new Date(Number(time) * 1000);
  }
  return undefined;
}

/**
 * Reads a witness's verifier key.
 * @throws {Error} in words for the person who typed it
 */
export function witnessOf(key: string): { name: string; publicKey: Buffer } {
  const [, name = '', , encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(key.trim()) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  const publicKey = bytes.subarray(1);
  if (bytes[0] !== COSIGNATURE[0] || publicKey.length !== KEY_BYTES) throw new Error("This is not a witness's key.");
  return { name, publicKey };
}

/** The checkpoint in a note, without the signatures. */
export const textIn = (note: string): string => note.slice(0, note.indexOf('\n\n') + 1);

/** The signatures on a note by a key of this name and id, each of `length` bytes. */
function signaturesOf(note: string, name: string, id: Buffer, length: number): Buffer[] {
  const lines = note.slice(note.indexOf('\n\n') + 2).split('\n');
  return lines.flatMap((line) => {
    const [dash, signer, encoded = '', ...more] = line.split(' ');
    const bytes = Buffer.from(encoded, 'base64');
    const ours = dash === '—' && signer === name && more.length === 0 && bytes.subarray(0, 4).equals(id);
    return ours && bytes.length === 4 + length ? [bytes.subarray(4)] : [];
  });
}

/** Verifies in the thread pool: a log has hundreds of thousands of signatures. */
function verified(text: Buffer, publicKey: Buffer, signature: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) =>
    verify(null, text, keyObjectOf(publicKey), signature, (error, holds) => (error ? reject(error) : resolve(holds))),
  );
}

const keyObjects = new Map<string, KeyObject>();

function keyObjectOf(publicKey: Buffer): KeyObject {
  const name = publicKey.toString('base64');
  const known = keyObjects.get(name);
  if (known) return known;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  keyObjects.set(name, key);
  return key;
}

const textOf = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${root.toString('base64')}\n`;

const keyId = (name: string, publicKey: Buffer, kind: Buffer = ED25519): Buffer =>
  createHash('sha256').update(`${name}\n`).update(kind).update(publicKey).digest().subarray(0, 4);
