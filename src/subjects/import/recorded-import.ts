import type { ChangeRecorder } from '../../identity/change-recorder';
import { ImportStopped } from './errors';
import type { ImportTarget } from './external-ids';
import { checkFile, type ImportOptions, importFile } from './import-file';
import type { ImportReport } from './import-report';

/** Who imports, and who records it. */
export interface ImportRecord {
  readonly recorder: ChangeRecorder;
  readonly principal: string;
  /** The preset's name, unless the mapping was the caller's own. */
  readonly preset?: string | undefined;
}

/**
 * As `importFile`, with ledger entries: one before anything is written, whose id created rows keep (C2), and one with
 * the counts at the end, also where it stops midway.
 * @throws as `importFile`; {GraphQLError} AUDIT_UNAVAILABLE, and nothing is written
 */
export async function recordedImport(
  target: ImportTarget,
  options: ImportOptions,
  { recorder, principal, preset }: ImportRecord,
): Promise<ImportReport> {
  const opened = await checkFile(options);
  const { digest, size, encoding } = opened;
  const { client } = target;
  const kind = options.mapping.kind;
  const file = { kind, preset, digest, bytes: size, encoding: encoding.name };
  const importId = await recorder.record('IMPORT_STARTED', { client, principal, details: file });
  const ended = (details: Readonly<Record<string, string | number | boolean>>) =>
    recorder.record('IMPORT', { client, principal, details: { import: importId, kind, digest, ...details } });
  try {
    const report = await importFile({ ...target, importId }, { ...options, opened });
    const { read, created, updated, unchanged, rejected, rejectedFields } = report;
    await ended({ complete: true, read, created, updated, unchanged, rejected, rejectedFields });
    return { ...report, importId };
  } catch (error) {
    if (!(error instanceof ImportStopped)) throw error;
    await ended({ complete: false, ...error.counts });
    throw error.cause;
  }
}
