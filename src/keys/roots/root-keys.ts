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
  /** Makes a root; durable when it returns. @returns its id, at most 200 characters, stored beside what it wraps */
  create(): Promise<string>;
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
  /**
   * Destroys a root; again does nothing.
   * @returns when nobody can use it any more, ms since 1970: now, or later where a KMS keeps it for a while
   */
  destroy(id: string): Promise<number>;
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
  const { scheme } = location;
  switch (scheme) {
    case 'file':
      return FileRoots.open(location.path, { production, isLeft: true });
    case 'pkcs11':
      return new ServiceRoots(scheme, new Pkcs11Service(location.at, rootAccess?.pin));
    case 'aws-kms':
      return new ServiceRoots(scheme, AwsKms.open(location.at));
    case 'gcp-kms':
      return new ServiceRoots(scheme, GcpKms.open(location.at));
    case 'azure-key-vault':
      return new ServiceRoots(scheme, AzureKeyVault.open(location.at));
    case 'vault':
      return new ServiceRoots(scheme, new VaultTransit(location.at, rootAccess?.vault ?? {}));
  }
}
