import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { idColumn, instantColumn, textColumn } from '../storage/columns';

export type AnnouncementKind =
  | 'SUB_PROCESSOR_ADDED'
  | 'SUB_PROCESSOR_CHANGED'
  | 'PRIVACY_NOTICE_CHANGED'
  | 'APPLICATION_CHANGED';

/** A change in the register that clients must be told. Each gets a notice with the announcement's id. */
@Entity('announcement')
export class Announcement {
  @PrimaryColumn({ ...idColumn })
  id: string;

  @Column({ ...textColumn(40) })
  kind: AnnouncementKind;

  @Column({ ...textColumn(200) })
  subject: string;

  @Column({ ...textColumn(2000) })
  message: string;

  /** It concerns clients that installed this application. null means every client. */
  @Column({ name: 'application_id', ...idColumn, nullable: true })
  applicationId: string | null;

  /** Only those that have not accepted this version of its privacy notice. */
  @Column({ name: 'notice_version', ...textColumn(40), nullable: true })
  noticeVersion: string | null;

  /** When the last client had been told. */
  @Index()
  @Column({ name: 'told_at', ...instantColumn, nullable: true })
  toldAt: number | null;
}
