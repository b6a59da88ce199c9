import { AwsKms } from './aws-kms';
import { AzureKeyVault } from './azure-key-vault';
import { FileRoots } from './file-roots';
import { GcpKms } from './gcp-kms';
import { MovingRoots } from './moving-roots';
import { Pkcs11Service } from './pkcs11-service';
import { parseRootLocation, type RootLocation } from './root-location';
import type { RootSettings } from './root-settings';
import { ServiceRoots } from './service-roots';
import { VaultTransit } from './vault-transit';

/**
 * Where the root of the key hierarchy lives, outside of every database. Each epoch has a root of its own. The roots of
 * one keys' store belong to no other store: the end of an epoch destroys one.
 */
export interface RootKeys {
  /** The places where it looks for roots, each by its digest. New ones are made in the first. */
  readonly places: readonly string[];
  /** Whether asking for its roots asks no service. */
  readonly isLocal: boolean;
  /**
   * Makes a root; durable when it returns.
   * @param note notes its id as one of those in use; where another process sweeps, it does so before or after both
   * @returns its id, at most 200 characters, stored beside what it wraps
   */
  create(note?: (id: string) => Promise<void>): Promise<string>;
  /**
   * The root of a store's first epoch: the master key that an operator has put there, or a new one. A service's roots
   * may be another store's.
   */
  first(): Promise<string>;
  /** The roots that can be used now. */
  ids(): Promise<readonly string[]>;
  /**
   * @param context says what the key is; unwrapping needs the same
   * @throws RootKeyError when the root is gone
   */
  wrap(id: string, key: Buffer, context: string): Promise<Buffer>;
  /** @throws RootKeyError when the root is gone, UnsealError where it did not wrap this */
  unwrap(id: string, wrapped: Buffer, context: string): Promise<Buffer>;
  /** In which of its places it looks for a root. */
  placeOf(id: string): Promise<string>;
  /**
   * Destroys a root; again does nothing. A root that is in none of its places counts as destroyed.
   * @param place where it was, if that is known
   * @returns when nobody can use it any more, ms since 1970: now, or later where a KMS keeps it for a while
   */
  destroy(id: string, place?: string): Promise<number>;
  /**
   * Destroys roots that a process made in vain, where nobody else's can be.
   * @param used reads which ones are in use, once no root can be made any more until the sweep has ended. It throws
   *   where this process may not sweep any more
   */
  sweep(used: () => Promise<readonly string[]>): Promise<void>;
  close(): Promise<void>;
}

export interface RootConfig extends RootSettings {
  readonly production: boolean;
}

/**
 * Opens the roots where the configuration says that they live.
 * @throws ConfigurationError naming the variable and the fix
 */
export async function openRootKeys(config: RootConfig): Promise<RootKeys> {
  const { masterKeyFile, rootKey, rootKeyBefore, production } = config;
  const now = rootKey === undefined ? undefined : parseRootLocation(rootKey, 'REMIT_ROOT_KEY');
  const roots = await (now ? openAt(now, config) : FileRoots.open(masterKeyFile, { production }));
  if (rootKeyBefore === undefined) return roots;
  return new MovingRoots(roots, await openAt(parseRootLocation(rootKeyBefore, 'REMIT_ROOT_KEY_BEFORE'), config));
}

async function openAt(location: RootLocation, { rootAccess, production }: RootConfig): Promise<RootKeys> {
  switch (location.scheme) {
    case 'file':
      return FileRoots.open(location.path, { production, isLeft: true });
    case 'pkcs11':
      return new ServiceRoots(location, new Pkcs11Service(location.at, rootAccess?.pin));
    case 'aws-kms':
      return new ServiceRoots(location, AwsKms.open(location.at));
    case 'gcp-kms':
      return new ServiceRoots(location, GcpKms.open(location.at));
    case 'azure-key-vault':
      return new ServiceRoots(location, AzureKeyVault.open(location.at));
    case 'vault':
      return new ServiceRoots(location, new VaultTransit(location.at, rootAccess?.vault ?? {}));
  }
}
