import type { X509Certificate } from 'node:crypto';
import { cosignedAt, textIn, witnessOf } from '../log/checkpoint';
import { checkTimestamp } from './timestamp-token';

/** What somebody outside answered to a checkpoint, as it is kept. */
export interface Receipt {
  readonly kind: 'witness' | 'timestamp';
  /** Of a witness the note that it signed, of a time-stamping authority its answer. */
  readonly content: Buffer;
}

/** Whose signatures on receipts count. */
export interface Trust {
  /** Verifier keys of witnesses, `name+id+key`. */
  readonly witnesses: readonly string[];
  /** Certificates of time-stamping authorities, or of those that issue theirs. */
  readonly authorities: readonly X509Certificate[];
}

/** What a receipt is worth. */
export interface Vouched {
  readonly by: string;
  /** How it was checked, in words for a report. */
  readonly how: string;
  /** Whether all of it was: only then nobody but the one outside can have made it. */
  readonly verified: boolean;
  /** When the one outside says that it saw the checkpoint. */
  readonly at: Date | undefined;
}

/**
 * Checks a receipt against the checkpoint that it is kept for.
 * @param checkpoint the signed note, byte for byte as it was shown outside
 * @throws {Error} saying what does not hold
 */
export async function checkReceipt({ kind, content }: Receipt, checkpoint: string, trust: Trust): Promise<Vouched> {
  return kind === 'witness'
    ? checkCosignature(content.toString('utf8'), checkpoint, trust)
    : checkStamp(content, checkpoint, trust);
}

async function checkCosignature(note: string, checkpoint: string, { witnesses }: Trust): Promise<Vouched> {
  for (const key of witnesses) {
    const at = await cosignedAt(note, key);
    if (!at) continue;
    if (textIn(note) !== textIn(checkpoint))
      throw new Error('it is of another checkpoint of this size, or of another log');
    return { by: `witness ${witnessOf(key).name}`, how: 'its signature holds', verified: true, at };
  }
  if (witnesses.length > 0) throw new Error('no key of a witness that is known signed it');
  if (textIn(note) !== textIn(checkpoint)) throw new Error('it is of another checkpoint');
  return {
    by: 'a witness',
    how: 'signature not checked: no key of a witness is given',
    verified: false,
    at: undefined,
  };
}

function checkStamp(response: Buffer, checkpoint: string, { authorities }: Trust): Vouched {
  const { at, signer, trusted } = checkTimestamp(response, Buffer.from(checkpoint), authorities);
  const by = `time stamp by ${signer}`;
  if (trusted === false) throw new Error('its certificate is under none of those given');
  return trusted
    ? { by, how: 'its signature holds, under a certificate given', verified: true, at }
    : { by, how: 'its signature holds; whose the certificate is was not checked: none is given', verified: false, at };
}
