import { tenantEntities } from '../../src/entities';
import { createExportsModule, type ExportsModule, type ExportsModuleOptions } from '../../src/exports/module';
import type { Row } from '../../src/tenancy/tenant-reader';
import { workerAt } from '../erasure/work';
import { type Asker, claimsOf, type TestApp } from '../support/app';

export interface TableCounts {
  readonly rows: number;
  readonly underErasure: number;
  readonly withoutKey: number;
  readonly damaged: number;
}

/** An export as whoever downloads it reads it. */
export interface ReadExport {
  readonly manifest: {
    readonly client: string;
    readonly tables: Record<string, string[]>;
    readonly omitted: { readonly tables: object; readonly fields: object };
  };
  readonly rows: ReadonlyArray<{ readonly table: string; readonly row: Row }>;
  readonly end: { readonly rows: number; readonly tables: Record<string, TableCounts> };
}

export function parseExport(text: string): ReadExport {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { manifest: lines.at(0).export, rows: lines.slice(1, -1), end: lines.at(-1).end };
}

/** Downloads an export in full, as an administrator of its client does. */
export async function collect(app: TestApp, asker: Asker, id: string): Promise<ReadExport> {
  const context = await app.services.accessService.contextFor(claimsOf(asker), undefined);
  const download = await app.services.exports.collect(context, id);
  const pieces: Buffer[] = [];
  for await (const piece of download.pieces) pieces.push(piece);
  const text = Buffer.concat(pieces);
  expect(text.length).toBe(download.bytes);
  await download.collected();
  return parseExport(text.toString());
}

/** The module of exports with small pages, so that everything takes several. */
export function smallModule({ stores, services }: TestApp, options: Partial<ExportsModuleOptions> = {}): ExportsModule {
  return createExportsModule({
    regions: stores.regions,
    keys: stores.keys,
    recorder: services.recorder,
    entities: tenantEntities,
    mayReceive: (transfer) => services.transfers.rules.mayReceive(transfer),
    pageRows: 7,
    ...options,
  });
}

/** Works until nothing is due at a time. @returns what failed */
export async function drainAt(
  app: TestApp,
  at: number,
  exports = smallModule(app, { now: () => at }),
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await workerAt(app, at, { chunkRows: 7, exports, onFailure: (error) => failures.push(error) }).drain();
  return failures;
}
