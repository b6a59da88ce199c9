import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { CreateKeyStore1700000000000 } from '../../migrations/keys/1700000000000-create-key-store';
import { AddEpochs1700000000026 } from '../../migrations/keys/1700000000026-add-epochs';
import { ReplaceClientSecrets1700000000034 } from '../../migrations/keys/1700000000034-replace-client-secrets';
import { RememberRoots1700000000036 } from '../../migrations/keys/1700000000036-remember-roots';
import { BucketKey, ClientKey, ClientSecret, KeyEpoch, SubjectKey } from '../../src/keys/entities';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { openRootKeys, type RootKeys } from '../../src/keys/roots/root-keys';
import { upgradeToEpochs } from '../../src/keys/upgrade';
import { migrate, openDataSource } from '../../src/storage/data-source';

/** A keys' store without the rest of the product. */
export async function openKeysSource(url: string): Promise<DataSource> {
  const source = await openDataSource(url, {
    variable: 'KEYS_DATABASE_URL',
    entities: [BucketKey, ClientKey, ClientSecret, KeyEpoch, SubjectKey],
    migrations: [
      CreateKeyStore1700000000000,
      AddEpochs1700000000026,
      ReplaceClientSecrets1700000000034,
      RememberRoots1700000000036,
    ],
  });
  await migrate(source);
  await upgradeToEpochs(source, () => Promise.reject(new Error('there is nothing to wrap')));
  return source;
}

/** Roots in a file of their own. */
export async function newRoots(folder: string, name = 'master.key'): Promise<RootKeys> {
  const masterKeyFile = join(folder, name);
  await generateMasterKeyFile(masterKeyFile);
  return openRootKeys({ masterKeyFile, production: true });
}
