import { resolve } from 'node:path';
import { itemsPerTransaction } from '../../storage/engine-profiles';
import { failureOf } from '../../storage/failures';
import { engineOf } from '../../storage/pool-use';
import { conversationImporter, messageImporter } from './conversation-importer';
import { customerImporter } from './customer-importer';
import { type Fault, ImportStopped, ImportUsageError } from './errors';
import type { ImportTarget } from './external-ids';
import type { How } from './field-types';
import { type ImportReport, Tally } from './import-report';
import { type Importer, isFault } from './importer';
import { type MappedRow, RowMapper } from './mapped-row';
import { columnsOf, type Mapping } from './mapping';
import { orderImporter } from './order-importer';
import { orderItemImporter } from './order-item-importer';
import type { Outcome } from './pending-rows';
import { Rejects } from './rejects';
import { openSourceFile, type ReadingOptions, type SourceFile } from './source-file';

export interface ImportOptions extends ReadingOptions, How {
  readonly file: string;
  /** The file, where it is open already. */
  readonly opened?: SourceFile | undefined;
  readonly mapping: Mapping;
  /** Where created customers come from (C2), unless the file says it; `import` if not said. */
  readonly source?: string | undefined;
  /** Where rejected rows are reported; FILE.rejects.ndjson if not said. */
  readonly rejects?: string | undefined;
  /** Whether a field that cannot be read rejects its row. */
  readonly strict?: boolean | undefined;
  /** Called with the number of bytes that were read. */
  readonly onProgress?: ((read: number, size: number) => void) | undefined;
}

/** The most rows of one transaction, for any engine: memory stays flat, and locks are short. */
const BATCH = 2_000;

export const rejectsPathOf = (file: string): string => `${file}.rejects.ndjson`;

/**
 * Imports a file of customers or of their records. Rows are identified by their external id. Rows without a change are
 * left alone. A bad row is reported and does not affect others.
 *
 * @throws {ImportUsageError} for a file that cannot be read, or lacks a column that the mapping names
 * @throws {ImportStopped} where it stops midway; imported rows stay, and the import can be run again
 */
export async function importFile(target: ImportTarget, options: ImportOptions): Promise<ImportReport> {
  const source = await checkFile(options);
  const importer = await importerOf(target, options);
  const size = itemsPerTransaction(engineOf(target.source), BATCH, importer.rowsEach);
  const { file, mapping, rejects: path = rejectsPathOf(file), strict, onProgress } = options;
  const rejects = target.isDryRun ? undefined : await Rejects.at(path);
  const tally = new Tally(rejects);
  const mapper = new RowMapper(mapping, options, strict);
  try {
    let batch: Read[] = [];
    for await (const row of source.rows()) {
      const mapped = mapper.map(row);
      if (mapped === undefined) tally.skip();
      else batch.push({ line: row.line, row: mapped });
      if (batch.length < size) continue;
      await flush(importer, batch, tally);
      onProgress?.(row.end, source.size);
      batch = [];
    }
    await flush(importer, batch, tally);
    onProgress?.(source.size, source.size);
  } catch (error) {
    throw new ImportStopped(tally.counts, error);
  } finally {
    await rejects?.close();
  }
  const { reasons, counts } = tally;
  const { unmapped, encoding, digest } = source;
  return { ...counts, reasons, unmapped, encoding, digest };
}

/**
 * Opens the file, if the mapping fits it.
 * @throws {ImportUsageError} as {@link importFile}
 */
export async function checkFile(options: ImportOptions): Promise<CheckedFile> {
  const { file, mapping, rejects, opened } = options;
  if (rejects !== undefined && resolve(rejects) === resolve(file)) {
    throw new ImportUsageError('rejects cannot be written over the file itself');
  }
  const source = opened ?? (await openSourceFile(file, options));
  const columns = columnsOf(mapping);
  const { missing, present } = await source.missing(columns);
  const used = new Set(columns.flatMap((column) => [column, column.split('.', 1)[0]]));
  const unmapped = present.filter((column) => column !== '' && !used.has(column));
  if (missing.length === 0) return { ...source, unmapped };
  const names = missing.map((column) => `"${column}"`).join(', ');
  throw new ImportUsageError(`${file} has no column ${names}; it has ${present.join(', ')}`);
}

/** A file that fits the mapping. */
interface CheckedFile extends SourceFile {
  /** Columns that are not used. */
  readonly unmapped: readonly string[];
}

interface Read {
  readonly line: number;
  readonly row: MappedRow | Fault;
}

async function flush(importer: Importer, batch: readonly Read[], tally: Tally): Promise<void> {
  const good = batch.map(({ row }) => row).filter((row): row is MappedRow => !isFault(row));
  const outcomes = good.length > 0 ? await takeOnce(importer, good) : [];
  let next = 0;
  for (const { line, row } of batch) {
    if (isFault(row)) await tally.add(line, row, []);
    else await tally.add(line, outcomes[next++] as Outcome | Fault, row.faults);
  }
}

/** Another writer may create the same person concurrently. A second look-up then finds the person. */
async function takeOnce(importer: Importer, rows: readonly MappedRow[]) {
  try {
    return await importer.take(rows);
  } catch (error) {
    if (failureOf(error) !== 'DUPLICATE') throw error;
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
    case 'conversations':
      return conversationImporter(target, mapping);
    case 'messages':
      return messageImporter(target, mapping);
  }
}
