import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

const record = 'a record of an export, which names no person';
const sealedCopy = 'sealed under the export’s own key, which is destroyed with any person who may be in it';

export const exportStatuses = {
  WAITING: 'It is made when its time comes.',
  PREPARING: 'It is being made.',
  READY: 'It waits to be collected.',
  COLLECTED: 'It was downloaded in full.',
  EXPIRED: 'Nobody collected it in time; its content is gone.',
  DISCARDED: 'Its content is gone; `reason` says why.',
} as const;
export type ExportStatus = keyof typeof exportStatuses;

export const discardReasons = {
  PERSON_ERASED: 'Somebody who may have been in it was erased.',
  CLIENT_ERASED: 'The client was erased.',
  TERMINATION_CANCELLED: 'The client stays.',
  KEY_LOST: 'Its key is gone: a backup from before it was discarded was put back.',
  REPLACED: 'A newer one took its place.',
} as const;
export type DiscardReason = keyof typeof discardReasons;

/** One export of a client's data, with its progress. The record stays when the content is removed. */
@TenantTable('client_export', { erasure: 'KEEP' })
export class ClientExportRow {
  @Key()
  clientId: string;

  /** Also the id of the export's key. Without the key no copy of the export, and no backup of one, can be read. */
  @Key()
  @NonPersonal(record, { plain: 'id' })
  id: string;

  /** The request to end the client that waits for it. */
  @NonPersonal(record, { plain: 'id' })
  requestId: string | null;

  @NonPersonal(record, { plain: { text: 20 } })
  status: ExportStatus;

  @NonPersonal(record, { plain: { text: 40 } })
  reason: DiscardReason | null;

  @NonPersonal('the principal that asked, an account', { plain: { text: 255 } })
  requestedBy: string;

  @NonPersonal(record, { plain: { text: 40 } })
  requestedRole: string;

  @NonPersonal(record, { plain: 'instant' })
  requestedAt: Date;

  @NonPersonal(record, { plain: 'instant' })
  notBefore: Date;

  /** A time before the first row was read. People withheld by then are not in the export. */
  @NonPersonal(record, { plain: 'instant' })
  begunAt: Date | null;

  @NonPersonal(record, { plain: 'instant' })
  readyAt: Date | null;

  @NonPersonal(record, { plain: 'instant' })
  collectBy: Date | null;

  @NonPersonal(record, { plain: 'instant' })
  collectedAt: Date | null;

  /** When its content and its key had been removed. */
  @NonPersonal(record, { plain: 'instant' })
  removedAt: Date | null;

  @NonPersonal(record, { plain: 'size' })
  byteCount: number | null;

  @NonPersonal(record, { plain: 'size' })
  lineCount: number | null;

  /** The progress: the last row's key, and counts. */
  @NonPersonal(sealedCopy, { plain: 'bytes' })
  progress: Buffer | null;
}

/** A piece of an export: some hundred lines, compressed and encrypted. */
@TenantTable('export_chunk', { erasure: 'DELETE' })
export class ExportChunkRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(record, { plain: 'id' })
  exportId: string;

  @Key('count')
  @NonPersonal(record, { plain: 'count' })
  seq: number;

  @NonPersonal(sealedCopy, { plain: 'bytes' })
  content: Buffer;
}
