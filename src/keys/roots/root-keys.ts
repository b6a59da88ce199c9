import { FileRoots } from './file-roots';

/**
 * Where the root of the key hierarchy lives, outside of every database. Each epoch has a root of its own. The roots of
 * one keys' store belong to no other store: the end of an epoch destroys one.
 */
export interface RootKeys {
  /** Makes a root; durable when it returns. @returns its id, at most 200 characters, stored beside what it wraps */
  create(): Promise<string>;
  /** The roots that can be used now. */
  ids(): Promise<readonly string[]>;
  /**
   * @param context says what the key is; unwrapping needs the same
   * @throws RootKeyError when the root is gone
   */
  wrap(id: string, key: Buffer, context: string): Promise<Buffer>;
  /** @throws RootKeyError when the root is gone, UnsealError where it did not wrap this */
  unwrap(id: string, wrapped: Buffer, context: string): Promise<Buffer>;
  /**
   * Destroys a root; again does nothing.
   * @returns when nobody can use it any more, ms since 1970: now, or later where a KMS keeps it for a while
   */
  destroy(id: string): Promise<number>;
  close(): Promise<void>;
}

export interface RootConfig {
  readonly masterKeyFile?: string;
  readonly production: boolean;
}

/**
 * Opens the roots where the configuration says that they live.
 * @throws ConfigurationError naming the variable and the fix
 */
export function openRootKeys({ masterKeyFile, production }: RootConfig): Promise<RootKeys> {
  return FileRoots.open(masterKeyFile, { production });
}
