import { createHash, randomBytes } from 'node:crypto';
import type { Anchor } from './anchors';

const TIMEOUT_MS = 10_000;
const SHA256 = Buffer.from('0609608648016503040201', 'hex');
const NULL = Buffer.from('0500', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

/**
 * A time-stamping authority by RFC 3161, over HTTP (section 3.4). What is stamped is the SHA-256 of the checkpoint's
 * note; the token that comes back is kept, for `openssl ts -verify` and its like. Its signature is theirs to check.
 */
export function timestampAnchor(url: string): Anchor {
  return {
    kind: 'timestamp',
    async anchor({ checkpoint }) {
      const digest = createHash('sha256').update(checkpoint).digest();
      const nonce = randomBytes(8);
      // A positive INTEGER in its shortest form.
      nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/timestamp-query' },
        body: new Uint8Array(timestampRequest(digest, nonce)),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`the time-stamping authority answered ${response.status}`);
      const answer = Buffer.from(await response.arrayBuffer());
      requireGranted(answer, digest, nonce);
      return answer;
    },
  };
}

/** A TimeStampReq for a SHA-256 digest that asks for the authority's certificate. */
function timestampRequest(digest: Buffer, nonce: Buffer): Buffer {
  const imprint = der(0x30, der(0x30, SHA256, NULL), der(0x04, digest));
  return der(0x30, der(0x02, Buffer.of(1)), imprint, der(0x02, nonce), TRUE);
}

/** A TimeStampResp begins with its status; a token that was granted repeats digest and nonce (section 2.4.2). */
function requireGranted(answer: Buffer, digest: Buffer, nonce: Buffer): void {
  const response = contentOf(answer, 0x30);
  const status = contentOf(contentOf(response, 0x30), 0x02).readInt8();
  if (status !== 0 && status !== 1) throw new Error(`the time-stamping authority refused: status ${status}`);
  if (!answer.includes(der(0x04, digest)) || !answer.includes(der(0x02, nonce))) {
    throw new Error('the time-stamping authority answered to another request');
  }
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length > 127) throw new RangeError('longer than a request gets');
  return Buffer.concat([Buffer.of(tag, content.length), content]);
}

function contentOf(bytes: Buffer, tag: number): Buffer {
  const short = bytes[1] ?? 0;
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (bytes[0] !== tag || lengthBytes > 4) throw new Error('the time-stamping authority answered no TimeStampResp');
  const start = 2 + lengthBytes;
  const length = lengthBytes === 0 ? short : bytes.readUIntBE(2, lengthBytes);
  if (length === 0 || start + length > bytes.length) {
    throw new Error('the time-stamping authority answered no TimeStampResp');
  }
  return bytes.subarray(start, start + length);
}
