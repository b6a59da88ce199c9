import { Column, Entity, PrimaryColumn } from 'typeorm';
import { idColumn, instantColumn, sealedColumn, textColumn } from '../storage/columns';

/** A client's key, wrapped by the master key. The row stays after destruction, so that no second key is made. */
@Entity('client_key')
export class ClientKey {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @Column({ ...sealedColumn, nullable: true })
  wrapped: Buffer | null;

  @Column({ name: 'master_key_id', ...textColumn(100) })
  masterKeyId: string;

  @Column({ name: 'created_at', ...instantColumn })
  createdAt: number;

  @Column({ name: 'destroyed_at', ...instantColumn, nullable: true })
  destroyedAt: number | null;
}

/** A data subject's key, wrapped by the client's key. Deleting the row erases the person, in backups too. */
@Entity('subject_key')
export class SubjectKey {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @PrimaryColumn({ name: 'subject_id', ...idColumn })
  subjectId: string;

  @Column({ ...sealedColumn })
  wrapped: Buffer;

  @Column({ name: 'created_at', ...instantColumn })
  createdAt: number;
}
