import type { DataSource } from 'typeorm';
import type { Alert } from './audit/alerts/alerts';
import { AuditReader } from './audit/entries/reader';
import { Ledger, type LedgerOptions } from './audit/log/ledger';
import { AccessRecorder } from './audit/recording/access-recorder';
import { LedgerChangeRecorder } from './audit/recording/change-recorder';
import { References } from './audit/recording/references';
import type { Processor } from './audit/reports/processing-record';
import { Reports } from './audit/reports/reports';
import { isDataBehind } from './audit/verification/data-behind';
import { LedgerState } from './audit/verification/ledger-state';
import { ClientSecretRotation } from './client-secrets';
import { Disclosures } from './disclosures/disclosures';
import { tenantEntities } from './entities';
import { createErasureModule, type ErasureModule } from './erasure/module';
import type { SigningKeys } from './erasure/records/signing-keys';
import type { Exports } from './exports/exports';
import { createExportsModule } from './exports/module';
import { AccessService } from './identity/access-service';
import type { ChangeRecorder } from './identity/change-recorder';
import { GovernanceRecords } from './identity/governance-records';
import type { JobHandler } from './jobs/job-worker';
import { Jobs } from './jobs/jobs';
import { type KeyRotation, KeyRotations } from './key-rotations';
import { PLATFORM } from './keys/platform-key';
import { AgreementReminders } from './register/agreement-reminders';
import { Announcements } from './register/announcements';
import { Clients } from './register/clients';
import { NOTICE_EVENT } from './register/notices';
import { RegisterPolicySource } from './register/policy-source';
import { Proposals } from './register/proposals';
import { ThirdParties } from './register/third-parties';
import { WebhookSecrets } from './register/webhooks/webhook-secrets';
import type { WebhookBody } from './register/webhooks/webhook-sender';
import { Webhooks } from './register/webhooks/webhooks';
import type { EngineProfile } from './storage/engine-profiles';
import { engineOf } from './storage/pool-use';
import type { Regions } from './storage/regions';
import type { Stores } from './stores';
import { Customers } from './subjects/customers';
import { Processing } from './subjects/processing';
import { Records } from './subjects/records';
import { name, own, tenantSql } from './tenancy/tenant-sql';
import { declaredTransfers } from './transfers/declared-transfers';
import { createTransfers, type TransfersModule } from './transfers/module';

/** The services of all modules, wired over the stores; the server and the commands share it. */
export interface Services {
  readonly records: GovernanceRecords;
  readonly clients: Clients;
  readonly parties: ThirdParties;
  readonly customers: Customers;
  readonly processing: Processing;
  readonly subjectRecords: Records;
  readonly transfers: TransfersModule;
  readonly proposals: Proposals;
  readonly accessService: AccessService;
  readonly ledger: Ledger;
  /** Records changes to governance; modules take it as their ChangeRecorder. */
  readonly recorder: LedgerChangeRecorder;
  readonly erasure: ErasureModule;
  readonly exports: Exports;
  /** The queue of erasures and exports, and what carries them out. */
  readonly jobs: Jobs;
  readonly jobHandlers: readonly JobHandler[];
  readonly webhooks: Webhooks;
  /** Replaces the platform's keys. */
  readonly rotations: KeyRotations;
  /** Replaces clients' secrets. */
  readonly clientSecrets: ClientSecretRotation;
  /** What each event tells, made when it is sent. */
  readonly webhookBodies: ReadonlyMap<string, WebhookBody>;
  /** What the engine of a database can do. */
  readonly profile: (source: DataSource) => EngineProfile;
  readonly accesses: AccessRecorder;
  readonly auditReader: AuditReader;
  readonly references: References;
  readonly disclosures: Disclosures;
  readonly announcements: Announcements;
  readonly agreementReminders: AgreementReminders;
  readonly reports: Reports;
  /** What the register says of a client's permissions, agreements and exclusions. */
  readonly policies: RegisterPolicySource;
}

export interface ServiceOptions extends LedgerOptions {
  /** The processor that the record of processing names. */
  readonly processor?: Processor;
  /** Told of each alert. */
  readonly onAlert?: (alert: Alert) => void;
  /** Told where a client is terminated though nobody collected its export. */
  readonly onUncollected?: (uncollected: { client: string; id: string; status: string }) => void;
}

export function createServices(stores: Stores, options: ServiceOptions = {}): Services {
  const { regions, keys } = stores;
  const ledger = new Ledger(stores, options);
  const references = new References(keys);
  const recorder = new LedgerChangeRecorder(ledger, references);
  // Keys of the platform have entries of their own (key-rotations.ts).
  keys.watch(async (destruction) => {
    if (destruction.client !== PLATFORM) await recorder.keyDestroyed(destruction);
  });
  const records = new GovernanceRecords(regions, keys, recorder);
  const clients = new Clients(regions, keys, records, recorder);
  const parties = new ThirdParties(regions, keys, records, recorder);
  const { keysSource, keyStores, keysBackupDir, production } = stores;
  const proposals = new Proposals(regions, recorder);
  const secrets = new WebhookSecrets(stores.keysSource, keys, { pace: options.pace });
  const webhooks = new Webhooks(regions, keys, { production, recorder, secrets });
  const transfers = createTransfers({ regions, keys, clients, parties, records, recorder, proposals, webhooks });
  const jobs = new Jobs();
  const {
    exports: clientExports,
    exporter,
    purger,
    beforeEnd,
  } = createExportsModule({
    regions,
    keys,
    jobs,
    entities: tenantEntities,
    recorder,
    proposals,
    mayReceive: (transfer) => transfers.rules.mayReceive(transfer),
    onUncollected: options.onUncollected,
  });
  const erasure = createErasureModule({
    regions,
    keys,
    keyStores,
    keysBackupDir,
    parties,
    entities: tenantEntities,
    recorder,
    proposals,
    purgers: [purger],
    terminationExports: beforeEnd,
    jobs,
    profile: engineOf,
    webhooks,
    pace: options.pace,
    isDataBehind: () => isDataBehind(regions, keysSource),
  });
  const rotations = new KeyRotations(
    [
      certificateRotation(erasure.signingKeys),
      { use: 'ledger', keys: ledger.keys.rotating, prepare: () => ledger.keys.prepare() },
      webhookRotation(webhooks.secrets, regions, recorder),
    ],
    recorder,
  );
  const policies = new RegisterPolicySource(regions, clients, parties, records);
  const reader = new AuditReader(regions, references);
  const state = new LedgerState(stores, ledger);
  return {
    records,
    clients,
    parties,
    customers: new Customers(regions, keys, recorder, erasure.erased),
    processing: new Processing(regions, keys, recorder),
    subjectRecords: new Records(regions, keys),
    transfers,
    proposals,
    accessService: new AccessService(regions, keys, policies, transfers.rules),
    ledger,
    recorder,
    erasure,
    exports: clientExports,
    jobs,
    jobHandlers: [erasure.runner, exporter],
    webhooks,
    rotations,
    clientSecrets: new ClientSecretRotation({
      regions,
      keyStores,
      entities: tenantEntities,
      recorder,
      pace: options.pace,
    }),
    webhookBodies: new Map([...erasure.bodies, [NOTICE_EVENT, (client, id) => transfers.notices.body(client, id)]]),
    profile: engineOf,
    accesses: new AccessRecorder(ledger, references, options.onAlert),
    policies,
    auditReader: reader,
    references,
    reports: new Reports({
      reader,
      clients,
      parties,
      policies,
      transfersOf: (client) => declaredTransfers(transfers, parties, client),
      processor: options.processor ?? {},
      securityOf: async (client) => ({ ledger: await state.words(), ...(await peopleOf(stores, client)) }),
    }),
    announcements: new Announcements(regions, transfers.notices),
    agreementReminders: new AgreementReminders(regions, transfers.notices),
    disclosures: new Disclosures({ regions, keys, references, recorder, notices: transfers.notices }),
  };
}

const certificateRotation = ({ rotating }: SigningKeys): KeyRotation => ({
  use: 'certificates',
  keys: rotating,
  prepare: () => rotating.prepare(),
});

const webhookRotation = (secrets: WebhookSecrets, regions: Regions, recorder: ChangeRecorder): KeyRotation => ({
  use: 'webhooks',
  keys: secrets.rotating,
  prepare: () => secrets.rotating.prepare(),
  release: async () => {
    for (const source of regions.all()) await secrets.sealAgain(source, recorder);
  },
});

/** The number of a client's people and of their keys, for the report on encryption at rest. */
async function peopleOf({ regions, keyStores }: Stores, client: string): Promise<{ people: number; keys: number }> {
  const source = await regions.of(client);
  const count = async (of: DataSource, table: string) => {
    const [row] = await tenantSql(of, client).select<{ n: number }>`
      SELECT COUNT(*) AS n FROM ${name(table)} WHERE ${own}`;
    return Number(row?.n ?? 0);
  };
  const people = (await count(source, 'customer')) + (await count(source, 'client_user'));
  const { source: keysSource } = await keyStores.of(client);
  return { people, keys: await count(keysSource, 'subject_key') };
}
