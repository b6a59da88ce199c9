type Address = number;

/**
 * A part of libsodium, compiled to WebAssembly. Its functions take addresses in a memory of its own, and each length
 * as its lower and its upper half. They give 0 where they succeed. The package declares no types.
 */
export interface Sodium {
  readonly ready: Promise<void>;
  /** Another array once the memory has grown. */
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): Address;
  /** Writes the ciphertext with its tag. */
  _crypto_aead_chacha20poly1305_ietf_encrypt(
    box: Address,
    boxLength: Address,
    content: Address,
    contentBytes: number,
    contentUpper: number,
    aad: Address,
    aadBytes: number,
    aadUpper: number,
    secretNonce: Address,
    nonce: Address,
    key: Address,
  ): number;
  /** Writes the content, once the tag is found to be right. */
  _crypto_aead_chacha20poly1305_ietf_decrypt(
    content: Address,
    contentLength: Address,
    secretNonce: Address,
    box: Address,
    boxBytes: number,
    boxUpper: number,
    aad: Address,
    aadBytes: number,
    aadUpper: number,
    nonce: Address,
    key: Address,
  ): number;
}

/** Loads it. It takes some 20 ms, and 4 MiB. */
export async function loadSodium(): Promise<Sodium> {
  const sodium = require('libsodium') as Sodium;
  await sodium.ready;
  return sodium;
}
