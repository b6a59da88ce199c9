import { freshIv } from './envelope';
import { opensslDecrypt, opensslEncrypt } from './openssl-ciphers';
import { ShortBoxes } from './short-boxes';
import { loadSodium } from './sodium';

/** After so many calls libsodium has paid for its loading. Until then, and for what is long, OpenSSL does the same. */
const WORTH_LOADING = 200;

let calls = 0;
let boxes: ShortBoxes | undefined;

/** Counts a call. @returns what is quicker with short texts, once it is loaded */
function quicker(): ShortBoxes | undefined {
  if (boxes || ++calls !== WORTH_LOADING) return boxes;
  // Without it everything goes on as before.
  loadSodium().then(
    (sodium) => {
      boxes = new ShortBoxes(sodium);
    },
    () => undefined,
  );
  return undefined;
}

/**
 * ChaCha20-Poly1305 (RFC 8439) under a random 96-bit nonce.
 *
 * @param key 32 bytes
 * @param aad associated data: says what the bytes belong to. Opening needs the same
 * @returns version byte 2 | 12-byte nonce | ciphertext | 16-byte tag
 */
export const sealText = (key: Buffer, text: string, aad: string): Buffer =>
  quicker()?.seal(2, key, freshIv(), text, aad) ?? opensslEncrypt(2, key, Buffer.from(text, 'utf8'), aad);

/**
 * Opens what {@link sealText} made.
 *
 * @throws UnsealError on any other key, associated data or byte
 */
export const openText = (key: Buffer, sealed: Buffer, aad: string): string =>
  quicker()?.open(key, sealed, aad) ?? opensslDecrypt(2, key, sealed, aad).toString('utf8');
