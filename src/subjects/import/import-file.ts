import { resolve } from 'node:path';
import { detectEngine } from '../../storage/engine-profiles';
import { customerImporter } from './customer-importer';
import type { Encoding } from './encoding';
import { type Fault, ImportUsageError } from './errors';
import type { ImportTarget } from './external-ids';
import { type Importer, isFault } from './importer';
import { type MappedRow, RowMapper } from './mapped-row';
import { columnsOf, type Mapping } from './mapping';
import { orderImporter } from './order-importer';
import { orderItemImporter } from './order-item-importer';
import { Rejects } from './rejects';
import { openSourceFile, type ReadingOptions, type SourceFile } from './source-file';

export interface ImportOptions extends ReadingOptions {
  readonly file: string;
  readonly mapping: Mapping;
  /** Where created customers come from (C2), unless the file says it; `import` if not said. */
  readonly source?: string | undefined;
  /** Where rejected rows are reported; FILE.rejects.ndjson if not said. */
  readonly rejects?: string | undefined;
  /** Whether a field that cannot be read costs its row. */
  readonly strict?: boolean | undefined;
  /** Told how far the reading is, in bytes of the file's size. */
  readonly onProgress?: ((read: number, size: number) => void) | undefined;
}

/** What became of the file's rows. */
export interface ImportReport {
  read: number;
  created: number;
  updated: number;
  unchanged: number;
  /** Rows that were not taken in. */
  rejected: number;
  /** Fields that were not, of rows that were. */
  rejectedFields: number;
  readonly encoding: Encoding;
}

/** Rows of one transaction at most, whatever the engine would bear: memory stays flat, and locks short. */
const BATCH = 500;

export const rejectsPathOf = (file: string): string => `${file}.rejects.ndjson`;

/**
 * Takes a file of customers, orders or order items in. Rows are known by their external id: what is there already and
 * no different is left alone. A bad row is reported and keeps no other one out.
 *
 * @throws {ImportUsageError} for a file that cannot be read, or lacks a column that the mapping names
 */
export async function importFile(target: ImportTarget, options: ImportOptions): Promise<ImportReport> {
  const source = await checkFile(options);
  const importer = await importerOf(target, options);
  const { maxTransactionRows } = await detectEngine(target.source);
  const size = Math.max(1, Math.min(BATCH, Math.floor(maxTransactionRows / importer.rowsEach)));
  const rejects = await Rejects.at(options.rejects ?? rejectsPathOf(options.file));
  const report: ImportReport = {
    read: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    rejectedFields: 0,
    encoding: source.encoding,
  };
  const mapper = new RowMapper(options.mapping, {}, options.strict);
  try {
    let batch: Read[] = [];
    for await (const row of source.rows()) {
      batch.push({ line: row.line, row: mapper.map(row) });
      if (batch.length < size) continue;
      await flush(importer, batch, rejects, report);
      options.onProgress?.(row.end, source.size);
      batch = [];
    }
    await flush(importer, batch, rejects, report);
    options.onProgress?.(source.size, source.size);
  } finally {
    await rejects.close();
  }
  return report;
}

/**
 * Opens the file, if it is one that can be taken in by the mapping.
 * @throws {ImportUsageError} as {@link importFile}
 */
export async function checkFile({ file, mapping, rejects, encoding, delimiter }: ImportOptions): Promise<SourceFile> {
  if (rejects !== undefined && resolve(rejects) === resolve(file)) {
    throw new ImportUsageError('rejects cannot be written over the file itself');
  }
  const source = await openSourceFile(file, { encoding, delimiter });
  const { missing, present } = await source.missing(columnsOf(mapping));
  if (missing.length === 0) return source;
  const names = missing.map((column) => `"${column}"`).join(', ');
  throw new ImportUsageError(`${file} has no column ${names}; it has ${present.join(', ')}`);
}

interface Read {
  readonly line: number;
  readonly row: MappedRow | Fault;
}

async function flush(importer: Importer, batch: readonly Read[], rejects: Rejects, report: ImportReport) {
  const good = batch.map(({ row }) => row).filter((row): row is MappedRow => !isFault(row));
  const outcomes = good.length > 0 ? await takeOnce(importer, good) : [];
  let next = 0;
  for (const { line, row } of batch) {
    const outcome = isFault(row) ? row : outcomes[next++];
    report.read++;
    if (typeof outcome === 'string') {
      report[outcome]++;
      for (const fault of isFault(row) ? [] : row.faults) {
        report.rejectedFields++;
        await rejects.add(line, fault);
      }
    } else if (outcome) {
      report.rejected++;
      await rejects.add(line, outcome);
    }
  }
}

/** Somebody else may write a person in the same moment; looked up anew, the person is there. */
async function takeOnce(importer: Importer, rows: readonly MappedRow[]) {
  try {
    return await importer.take(rows);
  } catch (error) {
    const { code = '' } = (error as { driverError?: { code?: string } }).driverError ?? {};
    if (code !== 'ER_DUP_ENTRY' && !code.startsWith('SQLITE_CONSTRAINT')) throw error;
    return await importer.take(rows);
  }
}

function importerOf(target: ImportTarget, { mapping, source }: ImportOptions): Promise<Importer> {
  switch (mapping.kind) {
    case 'customers':
      return customerImporter(target, mapping, source ?? 'import');
    case 'orders':
      return orderImporter(target, mapping);
    case 'order-items':
      return orderItemImporter(target, mapping);
  }
}
