import type { DataSource } from 'typeorm';
import { type ChangeRecorder, unrecorded } from '../identity/change-recorder';
import { Jobs } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import type { KeyStores } from '../keys/key-stores';
import type { RotationPace } from '../keys/rotation/rotating-keys';
import type { Proposals } from '../register/proposals';
import type { ThirdParties } from '../register/third-parties';
import type { WebhookBody } from '../register/webhooks/webhook-sender';
import type { Webhooks } from '../register/webhooks/webhooks';
import type { EngineProfile } from '../storage/engine-profiles';
import type { EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { type TenantTable, tableOf } from '../tenancy/tenant-table';
import { AwaitingErasures } from './execution/awaiting-erasures';
import { EpochTurning } from './execution/epoch-turning';
import {
  COMPLETED_EVENT,
  DESTROYED_EVENT,
  ERASURE_EVENT,
  ErasureRecipients,
  TERMINATION_EVENT,
} from './execution/erasure-recipients';
import { ErasureRunner } from './execution/erasure-runner';
import type { Purger } from './execution/purger';
import { LegalHolds } from './holds/legal-holds';
import { OrphanKeys } from './orphan-keys';
import { Certificates } from './records/certificates';
import { EpochRecords } from './records/epoch-records';
import { ErasedOrLeaving } from './records/erased-people';
import { ErasureRecords } from './records/erasure-records';
import { KeyFinality } from './records/key-finality';
import { ErasureReplay } from './records/replay';
import { KeysAfterRestore } from './records/restored-keys';
import { SigningKeys } from './records/signing-keys';
import { Tombstones } from './records/tombstones';
import { ErasureRequests } from './requests/erasure-requests';
import { ErasureFiling } from './requests/filing';
import type { TerminationExports } from './requests/termination-exports';
import { proposedTermination, Terminations } from './requests/terminations';
import { RetentionRules } from './retention/retention-rules';

export interface ErasureModuleOptions {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly keyStores: KeyStores;
  readonly parties: ThirdParties;
  readonly entities: readonly EntityClass[];
  readonly profile: (source: DataSource) => EngineProfile;
  readonly jobs?: Jobs;
  readonly recorder?: ChangeRecorder;
  readonly proposals?: Proposals;
  readonly purgers: readonly Purger[];
  /** What a client may have before its end; undefined where there is no module of exports. */
  readonly terminationExports: TerminationExports | undefined;
  readonly webhooks: Webhooks;
  /** How fast keys of certificates are replaced. */
  readonly pace?: RotationPace | undefined;
  readonly chunkRows?: number;
  /** Where each turning of an epoch leaves a backup of the keys; it leaves none without. */
  readonly keysBackupDir?: string | undefined;
  readonly now?: () => number;
  /** Whether a backup of the data was restored. Without it no key counts as an orphan. */
  readonly isDataBehind?: () => Promise<boolean>;
}

/** The most rows of a transaction, unless the engine allows fewer. */
const CHUNK_ROWS = 2_000;

/** What erasure offers to the rest of the product. */
export interface ErasureModule {
  readonly erasures: ErasureRequests;
  readonly terminations: Terminations;
  readonly holds: LegalHolds;
  readonly retention: RetentionRules;
  readonly orphans: OrphanKeys;
  /** Makes restored keys fit the data. */
  readonly keysAfterRestore: KeysAfterRestore;
  readonly replay: ErasureReplay;
  /** Performs the erasures in the queue. */
  readonly runner: ErasureRunner;
  readonly records: ErasureRecords;
  readonly signingKeys: SigningKeys;
  /** Whether deleted keys are gone for good. */
  readonly finality: KeyFinality;
  readonly epochRecords: EpochRecords;
  /** Ends epochs of keys. */
  readonly turning: EpochTurning;
  readonly tombstones: Tombstones;
  /** Recognises erased people, so that imports refuse them. */
  readonly erased: ErasedOrLeaving;
  /** The tables with data to erase. */
  readonly tables: readonly TenantTable[];
  /** The bodies of notices, made when they are sent. */
  readonly bodies: ReadonlyMap<string, WebhookBody>;
  readonly now: () => number;
}

/** The module of erasure, wired over the stores. */
export function createErasureModule(options: ErasureModuleOptions): ErasureModule {
  const { regions, keys, keyStores, parties, webhooks, entities, profile, purgers, terminationExports } = options;
  const { now = Date.now, chunkRows = CHUNK_ROWS, recorder = unrecorded, proposals } = options;
  const { jobs = new Jobs({ now }), isDataBehind = async () => true } = options;
  const tables = entities.map(tableOf);
  const records = new ErasureRecords(keyStores, keys);
  const tombstones = new Tombstones(keyStores, keys);
  const signingKeys = new SigningKeys(keyStores.home.source, keys, { pace: options.pace });
  const finality = new KeyFinality(keyStores, now);
  const recipients = new ErasureRecipients(parties, webhooks);
  const shared = { regions, keys, recorder, records, jobs, tables, terminationExports, now };
  const filing = new ErasureFiling(shared);
  const certificates = new Certificates(records, signingKeys);
  const runner = new ErasureRunner({
    ...{ ...shared, filing, tombstones, certificates, finality, recipients, purgers, profile, chunkRows },
  });
  const terminations = new Terminations(shared);
  const epochRecords = new EpochRecords(keyStores, signingKeys, recorder);
  const awaiting = new AwaitingErasures({ regions, jobs, finality, now });
  const erasures = new ErasureRequests({ ...shared, filing, recipients });
  const orphans = new OrphanKeys({ ...shared, isDataBehind });
  proposals?.on('END_CLIENT', async ({ terms }, by) => {
    await terminations.file(proposedTermination(terms), { principal: by, role: 'PLATFORM_PRIVACY_OFFICER' });
  });
  return {
    erasures,
    terminations,
    holds: new LegalHolds(shared),
    retention: new RetentionRules({ ...shared, filing }),
    orphans,
    keysAfterRestore: new KeysAfterRestore({ ...shared, keyStores, orphans }),
    replay: new ErasureReplay(shared),
    ...{ runner, records, signingKeys, finality, tombstones, tables, now },
    epochRecords,
    turning: new EpochTurning(keyStores, epochRecords, awaiting, options.keysBackupDir),
    erased: new ErasedOrLeaving(regions, keys, tombstones),
    bodies: new Map([
      [ERASURE_EVENT, erasureBody(records)],
      [TERMINATION_EVENT, async (_client, request) => ({ request })],
      [DESTROYED_EVENT, stateBody(erasures)],
      [COMPLETED_EVENT, stateBody(erasures)],
    ]),
  };
}

/** Recipients know the person by the id that the API gave them. It is decrypted from the record for the call only. */
function erasureBody(records: ErasureRecords): WebhookBody {
  return async (client, request) => {
    const record = await records.find(client, request);
    const customer = await record?.subject().catch(() => undefined);
    return customer === undefined ? undefined : { request, customer };
  };
}

/** How far a person's erasure is, for the client that follows it. It does not say whose it is. */
function stateBody(erasures: ErasureRequests): WebhookBody {
  return async (client, request) => {
    const state = await erasures.find(client, request);
    if (!state) return undefined;
    const { status, keyDeletedAt, keyEpoch, finalAt } = state;
    return { request, status, keyDeletedAt: moment(keyDeletedAt), keyEpoch, finalAt: moment(finalAt) };
  };
}

const moment = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
