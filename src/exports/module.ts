import type { Purger } from '../erasure/execution/purger';
import type { TerminationExports } from '../erasure/requests/termination-exports';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { JobHandler } from '../jobs/job-worker';
import { Jobs } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import type { Proposals } from '../register/proposals';
import type { EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { tableOf } from '../tenancy/tenant-table';
import { ExportRemoval } from './export-removal';
import { Exporter } from './exporter';
import { Exports, type ExportsServices } from './exports';
import { ExportBeforeEnd, type TerminationExportServices } from './termination-export';

export interface ExportsModuleOptions extends Pick<ExportsServices, 'mayReceive'> {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly entities: readonly EntityClass[];
  readonly jobs?: Jobs;
  readonly proposals?: Proposals;
  readonly onUncollected?: TerminationExportServices['onUncollected'] | undefined;
  readonly now?: () => number;
  readonly pageRows?: number;
}

/** Some hundred rows for each transaction keep memory flat. */
const PAGE_ROWS = 250;

/** What exports offer to the rest of the product. */
export interface ExportsModule {
  readonly exports: Exports;
  /** Makes the exports in the queue. */
  readonly exporter: JobHandler;
  /** Removes exports when erasure needs it. */
  readonly purger: Purger;
  readonly beforeEnd: TerminationExports;
}

/** The module of exports, wired over the stores. */
export function createExportsModule(options: ExportsModuleOptions): ExportsModule {
  const { regions, keys, recorder, entities, mayReceive, proposals } = options;
  const { now = Date.now, pageRows = PAGE_ROWS, onUncollected = () => undefined } = options;
  const { jobs = new Jobs({ now }) } = options;
  const tables = entities.map((entity) => [entity, tableOf(entity)] as const);
  const shared = { regions, keys, recorder, jobs, now };
  const removal = new ExportRemoval(shared);
  const clientExports = new Exports({ ...shared, removal, tables, mayReceive });
  proposals?.on('EXPORT_CLIENT', async ({ aboutClient }, by) => {
    if (aboutClient) await clientExports.file(aboutClient, { principal: by, role: 'PLATFORM_PRIVACY_OFFICER' });
  });
  return {
    exports: clientExports,
    exporter: new Exporter({ ...shared, removal, tables, pageRows }),
    purger: removal,
    beforeEnd: new ExportBeforeEnd({ ...shared, onUncollected }),
  };
}
