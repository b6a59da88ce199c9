import type { DataSource } from 'typeorm';
import type { Ledger } from './audit/log/ledger';
import { withDeadline } from './gateway/deadline';
import { policyVersions } from './identity/policy-version';
import { pendingMigrations } from './storage/data-source';
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
  return found.length > 0 ? found : [...(await policies), ...(await recorded)];
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
