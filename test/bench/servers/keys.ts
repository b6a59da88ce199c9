import { join } from 'node:path';

/**
 * Works on a keys' store alone: `keys.js CHECKOUT WORK NUMBER`, in a process of its own, so that memory is the work's
 * alone. KEYS_DATABASE_URL and REMIT_MASTER_KEY_FILE name the store. Prints JSON. The checkout may be one from before
 * epochs.
 */
const [checkout = '', work = '', number = '0'] = process.argv.slice(2);
const client = '11111111-1111-4111-8111-111111111111';
const BATCH = 1_000;
const PAGE = 50;

interface Keys {
  readonly epochs?: { turn(): Promise<Record<string, number>> };
  createClientKey(client: string): Promise<void>;
  createSubjectKeys(client: string, ids: string[]): Promise<unknown>;
  subjectKeys(client: string, ids: string[]): Promise<{ readonly size: number }>;
  destroySubjectKey(client: string, id: string): Promise<unknown>;
  close(): void;
}

interface Store {
  /** Keys with an empty cache. */
  open(): Promise<Keys>;
  query<T>(sql: string): Promise<T>;
  close(): Promise<void>;
}

const from = (path: string) => require(join(checkout, 'dist', path));

async function openStore(): Promise<Store> {
  require(join(checkout, 'node_modules', 'reflect-metadata'));
  const { keysStore } = from('ormconfig.js');
  const { migrate, openDataSource } = from('src/storage/data-source.js');
  const { KeyStore } = from('src/keys/key-store.js');
  const masterKeyFile = process.env.REMIT_MASTER_KEY_FILE ?? '';
  const source = await openDataSource(process.env.KEYS_DATABASE_URL, keysStore);
  await migrate(source);
  let roots: () => Promise<unknown>;
  try {
    const { openRootKeys } = from('src/keys/roots/root-keys.js');
    roots = () => openRootKeys({ masterKeyFile, production: false });
    await from('src/keys/upgrade.js').upgradeToEpochs(source, roots);
  } catch (error) {
    if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw error;
    const { loadMasterKeyFile } = from('src/keys/master-key.js');
    roots = () => loadMasterKeyFile(masterKeyFile, { production: false });
  }
  return {
    open: async () => new KeyStore(source, await roots()) as Keys,
    query: (sql) => source.query(sql),
    close: () => source.destroy(),
  };
}

/** Ids in the order of creation, as the product's are. */
const idOf = (place: number): string => `22222222-2222-7222-8222-${String(place).padStart(12, '0')}`;
const idsFrom = (first: number, count: number): string[] => Array.from({ length: count }, (_, n) => idOf(first + n));

async function fill(store: Store, persons: number): Promise<object> {
  const keys = await store.open();
  await keys.createClientKey(client);
  for (let first = 0; first < persons; first += BATCH) {
    await keys.createSubjectKeys(client, idsFrom(first, Math.min(BATCH, persons - first)));
  }
  keys.close();
  return { persons };
}

/** Keys of pages: in their order, of persons all over, and of one page that is cached. @returns reads a second each */
async function read(store: Store, persons: number): Promise<object> {
  const rates: Record<string, number> = {};
  const timed = async (name: string, times: number, ids: (turn: number) => string[], warm = false) => {
    const keys = await store.open();
    if (warm) await keys.subjectKeys(client, ids(0));
    const before = process.cpuUsage();
    const began = performance.now();
    for (let turn = 0; turn < times; turn++) {
      const asked = ids(turn);
      const found = await keys.subjectKeys(client, asked);
      if (found.size !== new Set(asked).size) throw new Error(`${found.size} of ${asked.length} keys`);
    }
    const { user, system } = process.cpuUsage(before);
    rates[name] = times / ((performance.now() - began) / 1_000);
    rates[`${name}, by processor time`] = times / ((user + system) / 1e6);
    keys.close();
  };
  const pages = Math.floor(persons / PAGE);
  await timed('warm-up', pages, (turn) => idsFrom(turn * PAGE, PAGE));
  await timed('pages in their order', pages, (turn) => idsFrom(turn * PAGE, PAGE));
  const anywhere = (turn: number) =>
    Array.from({ length: PAGE }, (_, n) => idOf((turn * 7_919 + n * 104_729) % persons));
  await timed('persons all over', pages, anywhere);
  await timed('a cached page', 20_000, () => idsFrom(0, PAGE), true);
  delete rates['warm-up'];
  delete rates['warm-up, by processor time'];
  return rates;
}

/** Erases persons one by one, all over the store, and turns the epoch at the end, where there are epochs. */
async function erase(store: Store, count: number): Promise<object> {
  const keys = await store.open();
  const [row] = await store.query<Array<{ n: number }>>('SELECT COUNT(*) AS n FROM subject_key');
  const ids = await store.query<Array<{ subject_id: string }>>('SELECT subject_id FROM subject_key');
  const step = Math.max(1, Math.floor(Number(row?.n) / count));
  const began = performance.now();
  for (let n = 0; n < count; n++) await keys.destroySubjectKey(client, ids[n * step]?.subject_id ?? '');
  const erasing = (performance.now() - began) / 1_000;
  const turned = await keys.epochs?.turn();
  keys.close();
  return { count, erasing, seconds: (performance.now() - began) / 1_000, ...turned };
}

/** Turns the epoch, as it stands. */
async function turn(store: Store): Promise<object> {
  const keys = await store.open();
  const before = process.memoryUsage.rss();
  let peak = before;
  const looking = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  const began = performance.now();
  const cpu = process.cpuUsage();
  const turned = await keys.epochs?.turn();
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(looking);
  keys.close();
  const MIB = 2 ** 20;
  return {
    ...turned,
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    memoryBefore: Math.round(before / MIB),
    memoryPeak: Math.round(peak / MIB),
  };
}

/** Destroys the keys of some persons of a store and turns nothing. */
async function mark(store: Store, count: number): Promise<object> {
  const keys = await store.open();
  const [row] = await store.query<Array<{ n: number }>>('SELECT COUNT(*) AS n FROM subject_key');
  const persons = Number(row?.n);
  const step = Math.max(1, Math.floor(persons / count));
  // Each number of persons takes others: those of before are gone.
  for (let n = 0; n < count; n++) await keys.destroySubjectKey(client, idOf(n * step + (count % 7)));
  keys.close();
  return { persons, marked: count };
}

const works: Record<string, (store: Store, count: number) => Promise<object>> = { fill, read, erase, mark, turn };

async function main(): Promise<void> {
  const store = await openStore();
  const result = await works[work]?.(store, Number(number));
  await store.close();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

void main();
