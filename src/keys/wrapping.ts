import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm';
import { UnsealError } from './errors';

export const KEY_BYTES = 32;

export const freshKey = (): Buffer => randomBytes(KEY_BYTES);

/*
 * What a wrapped key is, as the associated data of its wrap: one that was moved does not open. A generation is the
 * number of the epoch in which a key was made.
 */
export const nodeContext = (client: string, generation: number) => `client-node:${client}:${generation}`;
export const secretContext = (client: string) => `client-secret:${client}`;
export const bucketContext = (client: string, bucket: number, generation: number) =>
  `bucket-key:${client}:${bucket}:${generation}`;
export const subjectContext = (client: string, subject: string) => `subject-key:${client}:${subject}`;

export const wrap = (by: Buffer, key: Buffer, context: string): Buffer => encrypt(by, key, context);

/** The unwrapped key; undefined where it was altered, or wrapped by another key or for another place. */
export function opened(by: Buffer, wrapped: Buffer, context: string): Buffer | undefined {
  try {
    return decrypt(by, wrapped, context);
  } catch (error) {
    if (error instanceof UnsealError) return undefined;
    throw error;
  }
}
