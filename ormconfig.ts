import 'reflect-metadata';
import { join } from 'node:path';
import { DataSource, type MigrationInterface } from 'typeorm';
import { AuditHeadRow } from './src/audit/log/checkpoint-store';
import { clientKeyEntities, dataEntities } from './src/entities';
import { KeyEpoch } from './src/keys/entities';
import { RotatingKeyRow } from './src/keys/rotation/rotating-key';
import { classesIn } from './src/storage/classes-in';
import { dataSourceOptions, type StoreOptions } from './src/storage/data-source';

/** A migration is a file in its store's folder; TypeORM runs them in the order of the time in their names. */
const migrationsIn = (store: 'data' | 'keys') =>
  classesIn(join(__dirname, 'migrations', store)) as Array<new () => MigrationInterface>;

/** The data's store: entities and migrations. */
export const dataStore: StoreOptions = {
  variable: 'DATABASE_URL',
  entities: dataEntities,
  migrations: migrationsIn('data'),
};

/** The keys' store, apart from the data so that a backup of the data brings back no key. */
export const keysStore: StoreOptions = {
  variable: 'KEYS_DATABASE_URL',
  entities: [...clientKeyEntities, KeyEpoch, RotatingKeyRow, AuditHeadRow],
  migrations: migrationsIn('keys'),
};

/** For TypeORM's own command line: `typeorm -d dist/ormconfig.js …`. */
export default new DataSource(dataSourceOptions(process.env.DATABASE_URL ?? 'sqlite:./data/remit.db', dataStore));
