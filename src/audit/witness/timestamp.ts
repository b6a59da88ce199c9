import { createHash, randomBytes } from 'node:crypto';

import { send } from '../../outbound/http';
import type { Anchor } from './anchors';
import { contentOf, der, elementOf, partsOf, tags } from './der';

/** The operator chose the authority, so it may be in this network. A token with its certificates has a few kilobytes. */
const policy = { timeoutMs: 10_000, maxBytes: 60_000, privateAddresses: true };
const SHA256 = Buffer.from('0609608648016503040201', 'hex');
const NULL = Buffer.from('0500', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

/**
 * A time-stamping authority by RFC 3161, over HTTP (section 3.4). What is stamped is the SHA-256 of the checkpoint's
 * note; the token that comes back is kept, for `openssl ts -verify`, its like, and timestamp-token.ts.
 */
export function timestampAnchor(url: string): Anchor {
  return {
    kind: 'timestamp',
    async anchor({ checkpoint }) {
      const digest = createHash('sha256').update(checkpoint).digest();
      const nonce = randomBytes(8);
      // A positive INTEGER in its shortest form.
      nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40;
      const headers = { 'content-type': 'application/timestamp-query' };
      const body = timestampRequest(digest, nonce);
      const { status, body: answer } = await send({ url, method: 'POST', headers, body }, policy);
      if (status < 200 || status > 299) throw new Error(`the time-stamping authority answered ${status}`);
      requireGranted(answer, digest, nonce);
      return answer;
    },
  };
}

/** A TimeStampReq for a SHA-256 digest that asks for the authority's certificate. */
function timestampRequest(digest: Buffer, nonce: Buffer): Buffer {
  const imprint = der(tags.sequence, der(tags.sequence, SHA256, NULL), der(tags.octetString, digest));
  return der(tags.sequence, der(tags.integer, Buffer.of(1)), imprint, der(tags.integer, nonce), TRUE);
}

/** A TimeStampResp begins with its status; a token that was granted repeats digest and nonce (section 2.4.2). */
function requireGranted(answer: Buffer, digest: Buffer, nonce: Buffer): void {
  const status = statusOf(answer);
  if (status === undefined) throw new Error('the time-stamping authority answered no TimeStampResp');
  if (status !== 0 && status !== 1) throw new Error(`the time-stamping authority refused: status ${status}`);
  if (!answer.includes(der(tags.octetString, digest)) || !answer.includes(der(tags.integer, nonce))) {
    throw new Error('the time-stamping authority answered to another request');
  }
}

function statusOf(answer: Buffer): number | undefined {
  try {
    const [info] = partsOf(elementOf(answer, tags.sequence), tags.sequence);
    return contentOf(partsOf(info, tags.sequence)[0], tags.integer).readInt8();
  } catch {
    return undefined;
  }
}
