import type { DataSource } from 'typeorm';
import { type ChangeRecorder, unrecorded } from '../identity/change-recorder';
import { Jobs } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import type { Proposals } from '../register/proposals';
import type { ThirdParties } from '../register/third-parties';
import type { WebhookBody } from '../register/webhooks/webhook-sender';
import type { Webhooks } from '../register/webhooks/webhooks';
import { detectEngine } from '../storage/engine-profiles';
import type { EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { Remembered } from '../storage/remembered';
import { type TenantTable, tableOf } from '../tenancy/tenant-table';
import { ErasedOrLeaving } from './erased-people';
import { Erasures, type Termination } from './erasures';
import { Holds } from './holds';
import { ErasureLedger } from './ledger';
import { OrphanKeys } from './orphan-keys';
import { ERASURE_QUEUE, type ErasureParts, type Purger, type TerminationExports } from './parts';
import { ERASURE_EVENT, Recipients, TERMINATION_EVENT } from './recipients';
import { RetentionRules } from './retention';
import { SigningKeys } from './signing-key';
import { Tombstones } from './tombstones';

export interface ErasureModuleOptions {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly keysSource: DataSource;
  readonly parties: ThirdParties;
  readonly entities: readonly EntityClass[];
  readonly recorder?: ChangeRecorder;
  readonly proposals?: Proposals;
  readonly purgers?: readonly Purger[];
  readonly exports?: TerminationExports;
  readonly webhooks: Webhooks;
  /** What other rooms tell by the same sender. */
  readonly bodies?: ReadonlyArray<readonly [event: string, body: WebhookBody]>;
  readonly chunkRows?: number;
  readonly leaseMs?: number;
  readonly now?: () => number;
  /** Whether a backup of the data was put back; unless it is said, nobody's key counts as an orphan. */
  readonly isDataBehind?: () => Promise<boolean>;
}

/** A few thousand rows a transaction, whatever the engine would bear. */
const CHUNK_ROWS = 2_000;

export interface ErasureModule {
  readonly parts: ErasureParts;
  readonly erasures: Erasures;
  readonly holds: Holds;
  readonly retention: RetentionRules;
  readonly orphans: OrphanKeys;
  readonly webhooks: Webhooks;
  /** Who does not come back unsaid. */
  readonly erased: ErasedOrLeaving;
  /** What recipients are told, made when it is sent. */
  readonly bodies: ReadonlyMap<string, WebhookBody>;
}

/** The room of erasure, wired over the stores. */
export function createErasureModule(options: ErasureModuleOptions): ErasureModule {
  const { regions, keys, keysSource, parties, webhooks, entities, leaseMs } = options;
  const { now = Date.now, chunkRows = CHUNK_ROWS } = options;
  const profiles = new Remembered((source: DataSource) => detectEngine(source));
  const recorder = options.recorder ?? unrecorded;
  const tables: readonly TenantTable[] = entities.map(tableOf);
  const parts: ErasureParts = {
    regions,
    keys,
    ledger: new ErasureLedger(keysSource, keys),
    tombstones: new Tombstones(keysSource, keys),
    signingKeys: new SigningKeys(keysSource, keys),
    recipients: new Recipients(parties, webhooks),
    tables,
    recorder,
    purgers: options.purgers ?? [],
    exports: options.exports,
    jobs: (source) => new Jobs(source, ERASURE_QUEUE, { now, ...(leaseMs === undefined ? {} : { leaseMs }) }),
    profile: (source) => profiles.get(source),
    isDataBehind: options.isDataBehind ?? (async () => true),
    now,
    chunkRows,
  };
  const erasures = new Erasures(parts);
  options.proposals?.on('END_CLIENT', async ({ terms }, by) => {
    await erasures.terminate(proposedTermination(terms), { principal: by, role: 'PLATFORM_PRIVACY_OFFICER' });
  });
  return {
    parts,
    erasures,
    holds: new Holds(parts),
    retention: new RetentionRules(parts),
    orphans: new OrphanKeys(parts),
    webhooks,
    erased: new ErasedOrLeaving(regions, keys, parts.tombstones),
    bodies: new Map([
      [ERASURE_EVENT, erasureBody(parts.ledger)],
      [TERMINATION_EVENT, async (_client, request) => ({ request })],
      ...(options.bodies ?? []),
    ]),
  };
}

/** The end of a client in the terms of a proposal. */
function proposedTermination(terms: string): Termination {
  const said = JSON.parse(terms) as { [field in keyof Termination]: never };
  const day = (text: string | null | undefined) => (text ? new Date(text) : null);
  return {
    ...said,
    effectiveOn: new Date(said.effectiveOn),
    retainUntil: day(said.retainUntil),
    claimsUntil: day(said.claimsUntil),
  };
}

/** Recipients know the person by the id that the API gave them. It is opened from the ledger for the time of a call. */
function erasureBody(ledger: ErasureLedger): WebhookBody {
  return async (client, request) => {
    const entry = await ledger.find(client, request);
    const customer = await entry?.subject().catch(() => undefined);
    return customer === undefined ? undefined : { request, customer };
  };
}
