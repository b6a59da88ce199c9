import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm';
import { SEAL_OVERHEAD_BYTES } from './envelope';
import { UnsealError } from './errors';

export const KEY_BYTES = 32;

export const freshKey = (): Buffer => randomBytes(KEY_BYTES);

/*
 * What a wrapped key is, as the associated data of its wrap: one that was moved does not open. A generation is the
 * number of the epoch in which a key was made.
 */
export const nodeContext = (client: string, generation: number) => `client-node:${client}:${generation}`;
export const bucketContext = (client: string, bucket: number, generation: number) =>
  `bucket-key:${client}:${bucket}:${generation}`;
export const subjectContext = (client: string, subject: string) => `subject-key:${client}:${subject}`;

export const wrap = (by: Buffer, key: Buffer, context: string): Buffer => encrypt(by, key, context);

/**
 * The first secret of a client stands alone. Several have a context of their own: an older build, which knows of one
 * only, cannot open them, rather than take them for it.
 * @param bytes how long they are, unwrapped
 */
const secretContext = (client: string, bytes: number) =>
  `${bytes === KEY_BYTES ? 'client-secret' : 'client-secrets'}:${client}`;

/** Wraps a client's secrets, see secret-ring.ts. */
export const wrapSecrets = (node: Buffer, secrets: Buffer, client: string): Buffer =>
  wrap(node, secrets, secretContext(client, secrets.length));

/** @throws {UnsealError} for what was altered, or wrapped by another node or for another client */
export const unwrapSecrets = (node: Buffer, wrapped: Buffer, client: string): Buffer =>
  decrypt(node, wrapped, secretContext(client, wrapped.length - SEAL_OVERHEAD_BYTES));

/** As {@link unwrapSecrets}; undefined where they do not open. */
export const openedSecrets = (node: Buffer, wrapped: Buffer, client: string): Buffer | undefined =>
  ifItOpens(() => unwrapSecrets(node, wrapped, client));

/** The unwrapped key; undefined where it was altered, or wrapped by another key or for another place. */
export const opened = (by: Buffer, wrapped: Buffer, context: string): Buffer | undefined =>
  ifItOpens(() => decrypt(by, wrapped, context));

function ifItOpens(open: () => Buffer): Buffer | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof UnsealError) return undefined;
    throw error;
  }
}
