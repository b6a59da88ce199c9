import { opensslDecrypt, opensslEncrypt } from './openssl-ciphers';

/**
 * AES-256-GCM (NIST SP 800-38D) under a random 96-bit initialisation vector.
 *
 * @param key 32 bytes
 * @param aad associated data: says what the bytes belong to. Opening needs the same
 * @returns version byte 1 | 12-byte iv | ciphertext | 16-byte tag
 */
export const encrypt = (key: Buffer, content: Buffer, aad: string): Buffer => opensslEncrypt(1, key, content, aad);

/**
 * Opens what {@link encrypt} made.
 *
 * @throws UnsealError on any other key, associated data, version or byte
 */
export const decrypt = (key: Buffer, sealed: Buffer, aad: string): Buffer => opensslDecrypt(1, key, sealed, aad);
