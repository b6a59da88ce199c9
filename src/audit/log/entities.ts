import { Column, Entity, PrimaryColumn } from 'typeorm';
import { countColumn, digestColumn, idColumn, instantColumn, sealedColumn, textColumn } from '../../storage/columns';

/** One process's log in one database. */
@Entity('audit_log')
export class AuditLogRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @Column({ name: 'opened_at', ...instantColumn })
  openedAt: number;

  /** 1 once it has ended and a later log has stated its last checkpoint. */
  @Column({ ...countColumn })
  settled: number;

  /** How many entries at its beginning were pruned: a whole number of tiles. */
  @Column({ ...countColumn })
  pruned: number;

  /** Until when its process holds it for its own, by the database's clock. NULL in logs of earlier versions. */
  @Column({ name: 'alive_until', ...instantColumn, nullable: true })
  aliveUntil: number | null;
}

/** How far the logs before one had come when it began, in parts. The log's first entry has the root of them all. */
@Entity('audit_earlier')
export class AuditEarlierRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @PrimaryColumn({ ...countColumn })
  part: number;

  /** A line for each log: its id, the number of its entries, and their root in base64. */
  @Column({ ...sealedColumn })
  ends: Buffer;
}

/** An entry. Its content is in the body; the other columns are for finding it, and are verified against the body. */
@Entity('audit_entry')
export class AuditEntryRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @PrimaryColumn({ ...countColumn })
  sequence: number;

  /** UUIDv7, so it states the time and orders the entries. */
  @Column({ name: 'entry_id', ...idColumn })
  entryId: string;

  @Column({ name: 'about_client', ...idColumn, nullable: true })
  aboutClient: string | null;

  /** Canonical JSON in UTF-8. */
  @Column({ ...sealedColumn })
  body: Buffer;

  @Column({ name: 'leaf_hash', ...digestColumn })
  leafHash: string;

  /** The signed checkpoint of the tree up to this entry, where it is the last of its batch. */
  @Column({ ...textColumn(500), nullable: true })
  checkpoint: string | null;
}

/** 256 hashes of one level (C2SP tlog-tiles): they make proofs fast, and possible after pruning. */
@Entity('audit_tile')
export class AuditTileRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @PrimaryColumn({ ...countColumn })
  level: number;

  @PrimaryColumn({ name: 'tile_index', ...countColumn })
  tileIndex: number;

  @Column({ ...sealedColumn })
  hashes: Buffer;
}

/** An outside party's answer to a checkpoint. */
@Entity('audit_anchor')
export class AuditAnchorRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @PrimaryColumn({ name: 'tree_size', ...countColumn })
  treeSize: number;

  @PrimaryColumn({ ...textColumn(20) })
  kind: string;

  @Column({ name: 'anchored_at', ...instantColumn })
  anchoredAt: number;

  @Column({ ...sealedColumn })
  receipt: Buffer;
}
