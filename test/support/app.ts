import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { governContracts } from '../../src/app';
import { contractOf } from '../../src/gateway/contracts';
import { IdempotencyKeys } from '../../src/gateway/idempotency/idempotency-keys';
import { defaultServerLimits } from '../../src/gateway/limits';
import type { Governed, GovernedResult } from '../../src/governance/govern';
import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import type { Role, TokenClaims } from '../../src/identity/caller';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { platformKey } from '../../src/keys/platform-key';
import { createServices, type ServiceOptions, type Services } from '../../src/services';
import { migrateStores, openStores, type StoreConfig, type Stores } from '../../src/stores';
import type { TestDatabase } from './databases';

/** Who asks, in a test: a token's claims, with every purpose unless told. */
export interface Asker {
  readonly role: Role;
  /** More roles that the token names. */
  readonly also?: readonly Role[];
  readonly client?: string;
  readonly subject?: string;
  readonly purposes?: readonly ProcessingPurpose[];
  readonly scopes?: readonly string[];
  /** Where it reads, ISO 3166-1 alpha-2: Germany unless told, and null in no country that is known. */
  readonly country?: string | null;
}

/** The product without its HTTP server, on a database of the test's own. */
export interface TestApp {
  readonly stores: Stores;
  readonly services: Services;
  readonly idempotency: IdempotencyKeys;
  readonly contracts: Readonly<Record<'api' | 'client-app' | 'partner', Governed>>;
  readonly internalErrors: unknown[];
  /** What names the same stores to a command. */
  readonly env: Readonly<Record<string, string>>;
  ask(
    asker: Asker | undefined,
    purpose: ProcessingPurpose | undefined,
    document: string,
    variables?: Record<string, unknown>,
    idempotencyKey?: string,
  ): Promise<GovernedResult>;
  /** A second process on the same stores. @param through other addresses of the stores */
  replica(through?: Partial<StoreConfig>): Promise<TestApp>;
  close(): Promise<void>;
}

const everyPurpose: readonly ProcessingPurpose[] = ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL', 'IMPROVEMENT'];

export function claimsOf(asker: Asker | undefined): TokenClaims {
  if (!asker) return { subject: '', tenant: undefined, roles: [], scopes: [], purposes: [], country: undefined };
  const { role, also = [], client, subject, purposes, scopes, country } = asker;
  return {
    subject: subject ?? `${role.toLowerCase()}@test`,
    tenant: client,
    roles: [role, ...also],
    scopes: scopes ?? [],
    purposes: purposes ?? everyPurpose,
    country: country === undefined ? 'DE' : (country ?? undefined),
  };
}

type Settings = ServiceOptions & Partial<Pick<StoreConfig, 'epoch'>>;

/**
 * @param regionalDatabaseUrls databases of clients that are bound to a region
 * @param regionalKeys URLs of their keys' stores; each gets a master key of its own
 * @param settings epochs end, or keys are replaced, at another pace
 */
export async function openTestApp(
  database: TestDatabase,
  regionalDatabaseUrls: StoreConfig['regionalDatabaseUrls'] = {},
  regionalKeys: StoreConfig['regionalDatabaseUrls'] = {},
  { epoch = 'off', ...services }: Settings = {},
): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-key-'));
  const masterKeyFile = join(folder, 'master.key');
  await generateMasterKeyFile(masterKeyFile);
  const ofRegions = Object.entries(regionalKeys).map(([region, url]) => {
    return [region, { url, masterKeyFile: join(folder, `master-${region}.key`) }] as const;
  });
  for (const [, { masterKeyFile: file }] of ofRegions) await generateMasterKeyFile(file);
  const config = {
    databaseUrl: database.databaseUrl,
    regionalDatabaseUrls,
    keysDatabaseUrl: database.keysDatabaseUrl,
    regionalKeys: Object.fromEntries(ofRegions),
    masterKeyFile,
    production: false,
    epoch,
  };
  await database.copyTables?.();
  await migrateStores(config);
  return openOn(config, services, () => rmSync(folder, { recursive: true, force: true }));
}

async function openOn(config: StoreConfig, settings: ServiceOptions, afterwards: () => void): Promise<TestApp> {
  const { pace } = settings;
  const stores = await openStores(config, { poolSize: 4, ...(pace && { derivedKeysMs: pace.leadMs / 2 }) });
  const services = createServices(stores, settings);
  const internalErrors: unknown[] = [];
  const { contracts, again } = governContracts(services, stores.keys, Buffer.alloc(32, 7), (error) =>
    internalErrors.push(error),
  );
  const idempotency = new IdempotencyKeys(stores.regions, await platformKey(stores.keys, 'idempotency'), again, {
    mostPerCaller: defaultServerLimits.idempotencyKeysPerCaller,
  });
  return {
    stores,
    services,
    idempotency,
    contracts,
    internalErrors,
    env: {
      DATABASE_URL: config.databaseUrl,
      KEYS_DATABASE_URL: config.keysDatabaseUrl,
      REMIT_MASTER_KEY_FILE: config.masterKeyFile ?? '',
      REMIT_EPOCH: String(config.epoch),
    },
    ask: async (asker, purpose, document, variables, key) => {
      const claims = claimsOf(asker);
      const context = await services.accessService.contextFor(claims, purpose);
      const sent = [document, variables ?? {}, purpose ?? null];
      const keyed = key === undefined ? undefined : await idempotency.begin({ id: randomUUID(), key, context, sent });
      const governed = contracts[contractOf(claims)];
      const contextValue = { ...context, ...(keyed && { once: keyed.once }) };
      const asked = { document, variableValues: variables ?? {}, contextValue, access: context.access };
      return governed.execute(asked).finally(() => keyed?.settle().catch(() => undefined));
    },
    replica: (through) => openOn({ ...config, ...through }, settings, () => undefined),
    close: async () => {
      await stores.close();
      afterwards();
    },
  };
}
