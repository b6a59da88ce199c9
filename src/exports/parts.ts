import type { DataSource } from 'typeorm';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { Jobs } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import type { EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import type { TenantTable } from '../tenancy/tenant-table';
import type { IntendedTransfer } from '../transfers/transfer-rules';
import type { ExportState } from './export-state';

/** What the workings of exports share. */
export interface ExportParts {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  /** The tables of clients, the same list that the eraser and the census go by (pitfall 27). */
  readonly tables: ReadonlyArray<readonly [EntityClass, TenantTable]>;
  readonly mayReceive: (transfer: IntendedTransfer) => Promise<{ allowed: boolean; rule: string }>;
  readonly jobs: (source: DataSource) => Jobs;
  readonly now: () => number;
  /** Rows that one transaction reads. */
  readonly pageRows: number;
  /** Told where a client's end goes on though nobody collected its export. */
  readonly onUncollected: (state: Pick<ExportState, 'client' | 'id' | 'status'>) => void;
}

const DAY_MS = 86_400_000;
/** How long an export waits to be collected. */
const COLLECT_MS = 30 * DAY_MS;
/** How long before a termination must be done it stops to wait for its export. */
export const HEADROOM_MS = 7 * DAY_MS;

/** Nothing of a client is destroyed before: its export may be collected until then. */
export const collectableUntil = (readyAt: number, dueAt: number | undefined): number =>
  Math.min(readyAt + COLLECT_MS, dueAt === undefined ? Number.POSITIVE_INFINITY : dueAt - HEADROOM_MS);
