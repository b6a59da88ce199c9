import type { X509Certificate } from 'node:crypto';
import { cosignedAt, textIn, witnessOf } from '../log/checkpoint';
import { checkTimestamp } from './timestamp-token';

/** An outside party's answer to a checkpoint, as it is kept. */
export interface Receipt {
  readonly kind: 'witness' | 'timestamp';
  /** A witness's signed note, or a time-stamping authority's response. */
  readonly content: Buffer;
}

/** Whose signatures count. */
export interface Trust {
  /** Verifier keys of witnesses, `name+id+key`. */
  readonly witnesses: readonly string[];
  /** Certificates of time-stamping authorities, or of their issuers. */
  readonly authorities: readonly X509Certificate[];
}

/** What a receipt proves. */
export interface Vouched {
  readonly by: string;
  /** How it was checked, in a report's words. */
  readonly how: string;
  /** True where all of it was checked: only then can nobody but the outside party have made it. */
  readonly verified: boolean;
  /** When the outside party says that it saw the checkpoint. */
  readonly at: Date | undefined;
}

/**
 * Checks a receipt against its checkpoint.
 * @param checkpoint the signed note, byte for byte as it was shown
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
