import type { DataSource } from 'typeorm';
import { ERASURE_QUEUE, type Purger, type TerminationExports } from '../erasure/parts';
import type { ChangeRecorder } from '../identity/change-recorder';
import { Jobs } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import type { Proposals } from '../register/proposals';
import { type EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { tableOf } from '../tenancy/tenant-table';
import { Exports } from './exports';
import type { ExportParts } from './parts';
import { exportPurger } from './removal';
import { terminationExports } from './termination-export';

export interface ExportsModuleOptions extends Pick<ExportParts, 'mayReceive'> {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly entities: readonly EntityClass[];
  readonly proposals?: Proposals;
  readonly onUncollected?: ExportParts['onUncollected'] | undefined;
  readonly now?: () => number;
  readonly pageRows?: number;
}

/** Some hundred rows a transaction: flat memory, whatever the client's size. */
const PAGE_ROWS = 250;

export interface ExportsModule {
  readonly exports: Exports;
  /** What erasure takes copies away by. */
  readonly purger: Purger;
  readonly terminations: TerminationExports;
}

/** The room of exports, wired over the stores. */
export function createExportsModule(options: ExportsModuleOptions): ExportsModule {
  const { regions, keys, recorder, entities, mayReceive, now = Date.now, pageRows = PAGE_ROWS } = options;
  const parts: ExportParts = {
    regions,
    keys,
    recorder,
    tables: entities.map((entity) => [entity, tableOf(entity)] as const),
    mayReceive,
    jobs: (source: DataSource) => new Jobs(source, ERASURE_QUEUE, { now }),
    now,
    pageRows,
    onUncollected: options.onUncollected ?? (() => undefined),
  };
  const exports = new Exports(parts);
  options.proposals?.on('EXPORT_CLIENT', async ({ aboutClient }, by) => {
    if (aboutClient) await exports.request(aboutClient, { principal: by, role: 'PLATFORM_PRIVACY_OFFICER' });
  });
  return { exports, purger: exportPurger(parts), terminations: terminationExports(parts) };
}
