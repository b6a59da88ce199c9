import { Column, Entity, PrimaryColumn } from 'typeorm';
import { countColumn, digestColumn, idColumn, instantColumn, sealedColumn, textColumn } from '../../storage/columns';

/** The record of one erasure. It outlives the data, the person and the client, and names none of them. */
@Entity('erasure_ledger')
export class ErasureRecordRow {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @PrimaryColumn({ ...idColumn })
  id: string;

  @Column({ ...textColumn(20) })
  kind: string;

  @Column({ name: 'sealed_subject', ...sealedColumn, nullable: true })
  sealedSubject: Buffer | null;

  @Column({ name: 'subject_digest', ...digestColumn, nullable: true })
  subjectDigest: string | null;

  @Column({ ...sealedColumn })
  request: Buffer;

  @Column({ name: 'requested_at', ...instantColumn })
  requestedAt: number;

  @Column({ ...sealedColumn, nullable: true })
  plan: Buffer | null;

  @Column({ name: 'planned_at', ...instantColumn, nullable: true })
  plannedAt: number | null;

  @Column({ ...sealedColumn, nullable: true })
  outcome: Buffer | null;

  @Column({ name: 'completed_at', ...instantColumn, nullable: true })
  completedAt: number | null;

  @Column({ ...sealedColumn, nullable: true })
  certificate: Buffer | null;

  @Column({ name: 'key_epoch', ...countColumn, nullable: true })
  keyEpoch: number | null;

  @Column({ name: 'key_deleted_at', ...instantColumn, nullable: true })
  keyDeletedAt: number | null;

  @Column({ name: 'cancelled_at', ...instantColumn, nullable: true })
  cancelledAt: number | null;

  @Column({ name: 'replayed_at', ...instantColumn, nullable: true })
  replayedAt: number | null;
}

/** A keyed digest of an erased person's identifier. It is deleted with the client's key. */
@Entity('erasure_tombstone')
export class ErasureTombstone {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @PrimaryColumn({ ...digestColumn })
  digest: string;

  @Column({ ...textColumn(20) })
  kind: string;

  @Column({ name: 'request_id', ...idColumn })
  requestId: string;

  @Column({ name: 'created_at', ...instantColumn })
  createdAt: number;
}
