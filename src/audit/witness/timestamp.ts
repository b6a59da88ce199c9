import { createHash, randomBytes } from 'node:crypto';
import { Boolean as AsnBoolean, Integer, Null, ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import { send } from '../../outbound/http';
import type { Anchor } from './anchors';
import { derOf, readTimestampResponse } from './timestamp-response';

/**
 * The operator chose the authority, so it may be in this network. A token with its certificates takes a few kilobytes.
 */
const policy = { timeoutMs: 10_000, maxBytes: 60_000, privateAddresses: true };
const SHA256 = '2.16.840.1.101.3.4.2.1';

/**
 * A time-stamping authority by RFC 3161, over HTTP (section 3.4). What is stamped is the SHA-256 of the checkpoint's
 * note. The response is kept: `openssl ts -verify` and timestamp-token.ts check it.
 */
export function timestampAnchor(url: string): Anchor {
  return {
    kind: 'timestamp',
    async anchor({ checkpoint }) {
      const digest = createHash('sha256').update(checkpoint).digest();
      const nonce = randomBytes(8);
      // Makes it a positive INTEGER in its shortest form.
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
  const algorithm = new Sequence({ value: [new ObjectIdentifier({ value: SHA256 }), new Null()] });
  return derOf(
    new Sequence({
      value: [
        new Integer({ value: 1 }),
        new Sequence({ value: [algorithm, new OctetString({ valueHex: new Uint8Array(digest).buffer })] }),
        new Integer({ valueHex: new Uint8Array(nonce).buffer }),
        new AsnBoolean({ value: true }),
      ],
    }),
  );
}

/** A granted token repeats the digest and the nonce (section 2.4.2). */
function requireGranted(answer: Buffer, digest: Buffer, nonce: Buffer): void {
  const { status, token } = readTimestampResponse(answer);
  if (status !== 0 && status !== 1) throw new Error(`the time-stamping authority refused: status ${status}`);
  const { imprint, nonce: repeated } = token ?? {};
  if (imprint?.algorithm !== SHA256 || !imprint.hash.equals(digest) || !repeated?.equals(nonce)) {
    throw new Error('the time-stamping authority answered to another request');
  }
}
