import { Gauge, type GaugeConfiguration, type Registry } from 'prom-client';
import { version } from '../version';
import { inTime } from './scrape';

/** How far the ledger lags behind. */
export interface LedgerLag {
  /** Entries that are not durable yet. */
  readonly waiting: number;
  /** How long the oldest of them has waited, in seconds. */
  readonly seconds: number;
  /** Durable entries that the slowest anchor does not cover yet; 0 where no anchor is configured. */
  readonly unanchored: number;
}

/** Connections of this process to one store. */
export interface PoolUse {
  readonly store: string;
  readonly used: number;
  readonly idle: number;
  /** Queries that wait for a connection. */
  readonly waiting: number;
  readonly limit: number;
}

/** The write-ahead log of an embedded store. */
export interface StoreLog {
  readonly store: string;
  readonly bytes: number;
}

/** A log that is larger is not emptied any more. */
const TOO_LARGE_BYTES = 64 * 1024 * 1024;

/** Warnings about logs that grow, for an operator to look at while the process works. */
export function storeLogConcerns(logs: readonly StoreLog[]): string[] {
  return logs
    .filter(({ bytes }) => bytes > TOO_LARGE_BYTES)
    .map(({ store, bytes }) => {
      const size = `${Math.round(bytes / 1024 / 1024)} MiB`;
      return `the write-ahead log of "${store}" has grown to ${size}: some process keeps an old snapshot of it open`;
    });
}

/** Metrics of the installation itself: version, connections, ledger. */
export function measureInstallation(
  registry: Registry,
  look: {
    ledger(): Promise<LedgerLag>;
    pools(): readonly PoolUse[];
    storeLogs(): Promise<readonly StoreLog[]>;
    deadNotices(): Promise<number>;
  },
): void {
  const registers = [registry];
  new Gauge({
    name: 'remit_build_info',
    help: 'Always 1; its labels say which version of Remit and of Node runs.',
    labelNames: ['version', 'node'],
    aggregator: 'max',
    registers,
  }).set({ version, node: process.versions.node }, 1);

  new Gauge({
    name: 'remit_notices_dead',
    help: 'Notices to recipients and clients that were given up: every attempt to deliver them failed.',
    // Every process reads the same rows.
    aggregator: 'max',
    registers,
    async collect() {
      this.set((await inTime(registry, look.deadNotices())) ?? Number.NaN);
    },
  });

  const lag = (
    { name, help, aggregator = 'sum' }: Pick<GaugeConfiguration<string>, 'name' | 'help' | 'aggregator'>,
    measured: (lag: LedgerLag) => number,
  ) =>
    new Gauge({
      ...{ name, help, registers, aggregator },
      async collect() {
        const found = await inTime(registry, look.ledger());
        this.set(found ? measured(found) : Number.NaN);
      },
    });
  lag(
    { name: 'remit_audit_waiting_entries', help: 'Entries of the audit ledger that are not durable yet.' },
    ({ waiting }) => waiting,
  );
  lag(
    {
      name: 'remit_audit_lag_seconds',
      help: 'For how long the first entry that is not durable has waited; 0 where none waits.',
      aggregator: 'max',
    },
    ({ seconds }) => seconds,
  );
  lag(
    {
      name: 'remit_audit_unanchored_entries',
      help: 'Durable entries that the anchor furthest behind does not cover yet; 0 where none is configured.',
    },
    ({ unanchored }) => unanchored,
  );

  new Gauge({
    name: 'remit_write_ahead_log_bytes',
    help: "Size of an embedded store's write-ahead log; it is emptied from 16 MiB on, as soon as no reader needs it.",
    labelNames: ['store'],
    aggregator: 'max',
    registers,
    async collect() {
      for (const { store, bytes } of await look.storeLogs()) this.set({ store }, bytes);
    },
  });

  const pool = (
    name: string,
    help: string,
    labelNames: string[],
    states: (use: PoolUse) => Array<[Record<string, string>, number]>,
  ) =>
    new Gauge({
      ...{ name, help, labelNames, registers },
      collect() {
        for (const use of look.pools()) {
          for (const [labels, value] of states(use)) this.set({ store: use.store, ...labels }, value);
        }
      },
    });
  pool(
    'remit_database_connections',
    'Connections to a database server, by store and by what they do.',
    ['store', 'state'],
    ({ used, idle }) => [
      [{ state: 'used' }, used],
      [{ state: 'idle' }, idle],
    ],
  );
  pool('remit_database_connections_limit', 'The most connections that a store may have.', ['store'], ({ limit }) => [
    [{}, limit],
  ]);
  pool('remit_database_waiting', 'What waits for a connection to a store.', ['store'], ({ waiting }) => [
    [{}, waiting],
  ]);
}
