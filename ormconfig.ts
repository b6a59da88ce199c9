import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { CreateRegister1700000000001 } from './migrations/data/1700000000001-create-register';
import { CreateSubjects1700000000002 } from './migrations/data/1700000000002-create-subjects';
import { CreateErasure1700000000003 } from './migrations/data/1700000000003-create-erasure';
import { CreateTransfers1700000000004 } from './migrations/data/1700000000004-create-transfers';
import { CreateAudit1700000000005 } from './migrations/data/1700000000005-create-audit';
import { CreateDisclosures1700000000006 } from './migrations/data/1700000000006-create-disclosures';
import { CreateExports1700000000007 } from './migrations/data/1700000000007-create-exports';
import { AmendErasure1700000000008 } from './migrations/data/1700000000008-amend-erasure';
import { SealAttributeKeys1700000000010 } from './migrations/data/1700000000010-seal-attribute-keys';
import { ShareExternalIds1700000000011 } from './migrations/data/1700000000011-share-external-ids';
import { AddProposals1700000000012 } from './migrations/data/1700000000012-add-proposals';
import { AddFence1700000000013 } from './migrations/data/1700000000013-add-fence';
import { ReindexIdentifiers1700000000014 } from './migrations/data/1700000000014-reindex-identifiers';
import { AddImport1700000000015 } from './migrations/data/1700000000015-add-import';
import { AddAnnouncements1700000000016 } from './migrations/data/1700000000016-add-announcements';
import { AddProcessing1700000000017 } from './migrations/data/1700000000017-add-processing';
import { CreateKeyStore1700000000000 } from './migrations/keys/1700000000000-create-key-store';
import { CreateErasureLedger1700000000003 } from './migrations/keys/1700000000003-create-erasure-ledger';
import { CreateAuditHeads1700000000005 } from './migrations/keys/1700000000005-create-audit-heads';
import { AuditHeadRow } from './src/audit/log/checkpoint-store';
import { clientKeyEntities, dataEntities } from './src/entities';
import { SigningKeyRow } from './src/erasure/records/entities';
import { dataSourceOptions, type StoreOptions } from './src/storage/data-source';

/** The data's store: entities and migrations. */
export const dataStore: StoreOptions = {
  variable: 'DATABASE_URL',
  entities: dataEntities,
  migrations: [
    CreateRegister1700000000001,
    CreateSubjects1700000000002,
    CreateErasure1700000000003,
    CreateTransfers1700000000004,
    CreateAudit1700000000005,
    CreateDisclosures1700000000006,
    CreateExports1700000000007,
    AmendErasure1700000000008,
    SealAttributeKeys1700000000010,
    AddProposals1700000000012,
    ShareExternalIds1700000000011,
    AddFence1700000000013,
    ReindexIdentifiers1700000000014,
    AddImport1700000000015,
    AddAnnouncements1700000000016,
    AddProcessing1700000000017,
  ],
};

/** The keys' store, apart from the data so that a backup of the data brings back no key. */
export const keysStore: StoreOptions = {
  variable: 'KEYS_DATABASE_URL',
  entities: [...clientKeyEntities, SigningKeyRow, AuditHeadRow],
  migrations: [CreateKeyStore1700000000000, CreateErasureLedger1700000000003, CreateAuditHeads1700000000005],
};

/** For TypeORM's own command line: `typeorm -d dist/ormconfig.js …`. */
export default new DataSource(dataSourceOptions(process.env.DATABASE_URL ?? 'sqlite:./data/remit.db', dataStore));
