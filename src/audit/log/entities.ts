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

  /** How many entries at its beginning have been pruned, a whole number of tiles. */
  @Column({ ...countColumn })
  pruned: number;
}

/** An entry. What it says is in its body; the columns beside it are for finding it, and are verified against it. */
@Entity('audit_entry')
export class AuditEntryRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @PrimaryColumn({ ...countColumn })
  sequence: number;

  /** UUIDv7: it tells the time, and the order. */
  @Column({ name: 'entry_id', ...idColumn })
  entryId: string;

  @Column({ name: 'about_client', ...idColumn, nullable: true })
  aboutClient: string | null;

  /** Canonical JSON in UTF-8. */
  @Column({ ...sealedColumn })
  body: Buffer;

  @Column({ name: 'leaf_hash', ...digestColumn })
  leafHash: string;

  /** The signed checkpoint of the tree that ends with this entry, where it is the last of its group. */
  @Column({ ...textColumn(500), nullable: true })
  checkpoint: string | null;
}

/** 256 hashes of one level, as C2SP tlog-tiles cuts them: what proofs are made of when entries are many, or pruned. */
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

/** What somebody outside answered to a checkpoint. */
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
