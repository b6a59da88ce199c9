import type { DataSource } from 'typeorm';
import type { Ledger } from './audit/log/ledger';
import { withDeadline } from './gateway/deadline';
import { policyVersions } from './identity/policy-version';
import { whyUnfit } from './keys/backup/unfit-store';
import type { KeysPlace } from './keys/key-stores';
import { pendingMigrations } from './storage/data-source';
import { ConfigurationError } from './storage/errors';
import { faultOf } from './storage/health';
import type { Stores } from './stores';

/** Shorter than the whole check's limit, so that the fault can be named. Milliseconds. */
const LONGEST_MS = 3_000;

const UNWRITABLE = 'the audit ledger cannot be written';
/** What has been applied stays applied: who has found no migration pending looks again after this. Milliseconds. */
const MIGRATED_FOR_MS = 60_000;
/** Of `performance.now()`. */
const migratedAt = new WeakMap<DataSource, number>();

/**
 * Why requests cannot be served, in words. Each store is asked by the way that requests go: by the same pool, and for
 * policies by the reader that every request waits for.
 */
export async function faultsOf({ regions, keyStores }: Stores, ledger: Ledger): Promise<string[]> {
  const stores = [
    ...regions.named().map(([name, source]) => [`the ${name} database`, source] as const),
    ...keyStores.all().map(({ region, source }) => [wordsFor(region), source] as const),
  ];
  const policies = within(policyVersions(regions, undefined)).then(
    () => [],
    () => ["clients' policies cannot be read: every request waits for that"],
  );
  const recorded = within(ledger.isWritable()).then(
    (isWritable) => (isWritable ? [] : [UNWRITABLE]),
    () => [UNWRITABLE],
  );
  const faults = await Promise.all(stores.map(([name, source]) => faultOfStore(name, source)));
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length > 0) return found;
  const roots = (await Promise.all(keyStores.all().map(faultOfRoots))).filter((fault) => fault !== undefined);
  return [...roots, ...(await policies), ...(await recorded)];
}

/**
 * Another host may have turned the epoch where each has a root file of its own. A service is not asked for it each few
 * seconds: its calls cost.
 */
async function faultOfRoots({ name, region, source, roots }: KeysPlace): Promise<string | undefined> {
  if (!roots.isLocal) return undefined;
  try {
    const why = await within(whyUnfit({ name, source, roots }, { folder: undefined, client: undefined }));
    return why && `${wordsFor(region)} cannot be opened: ${why}`;
  } catch (error) {
    return error instanceof ConfigurationError ? error.message : `${wordsFor(region)} does not answer`;
  }
}

const wordsFor = (region: string | undefined): string =>
  `the keys' store${region === undefined ? '' : ` of ${region}`}`;

async function faultOfStore(name: string, source: DataSource): Promise<string | undefined> {
  const fault = await faultOf(source);
  if (fault !== undefined) return `${name} ${fault}`;
  try {
    if (performance.now() - (migratedAt.get(source) ?? Number.NEGATIVE_INFINITY) < MIGRATED_FOR_MS) return undefined;
    const pending = await within(pendingMigrations(source));
    if (pending.length === 0) {
      migratedAt.set(source, performance.now());
      return undefined;
    }
    return `${pending.length} migrations of ${name} are pending: run remit migrate`;
  } catch {
    return `${name} does not answer`;
  }
}

const within = <T>(work: Promise<T>): Promise<T> => withDeadline(work, LONGEST_MS, () => new Error('it took too long'));
