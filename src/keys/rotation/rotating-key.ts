import { Column, Entity, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn, instantColumn, sealedColumn, textColumn } from '../../storage/columns';

/** What a rotating key is used for. */
export type RotatedUse = 'certificates' | 'ledger' | 'webhooks';

/** A key of the platform that is replaced by a newer one from time to time. */
@Entity('rotating_key')
export class RotatingKeyRow {
  @PrimaryColumn({ name: 'used_for', ...textColumn(20) })
  usedFor: RotatedUse;

  /** 1 for the first. */
  @PrimaryColumn({ ...countColumn })
  number: number;

  @Column({ ...textColumn(64) })
  id: string;

  @Column({ name: 'public_key', ...textColumn(300), nullable: true })
  publicKey: string | null;

  /** Null once it is destroyed, or where it is derived from the platform's own key. */
  @Column({ name: 'sealed_secret', ...sealedColumn, nullable: true })
  sealedSecret: Buffer | null;

  /**
   * The id of the key in `subject_key` that seals it. It is destroyed like a person's key, so that no backup brings the
   * secret back. Null for keys from before that, which are sealed under the platform's own key.
   */
  @Column({ name: 'sealed_by', ...idColumn, nullable: true })
  sealedBy: string | null;

  /** By which the key before vouches for this one. */
  @Column({ ...textColumn(1000), nullable: true })
  statement: string | null;

  @Column({ name: 'created_at', ...instantColumn })
  createdAt: number;

  /** It is published before, so that every process and verifier knows it when it is used. */
  @Column({ name: 'used_from', ...instantColumn })
  usedFrom: number;

  @Column({ name: 'destroyed_at', ...instantColumn, nullable: true })
  destroyedAt: number | null;
}
