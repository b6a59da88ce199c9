import { Column, Entity, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn, instantColumn, sealedColumn, textColumn } from '../storage/columns';

/** An epoch of the key hierarchy: its key, wrapped by a root that is outside of every database. */
@Entity('key_epoch')
export class KeyEpoch {
  @PrimaryColumn({ ...countColumn })
  number: number;

  @Column({ name: 'root_id', ...textColumn(200) })
  rootId: string;

  @Column({ ...sealedColumn })
  wrapped: Buffer;

  /** CURRENT, TURNING, DESTROYING or ENDED: see epochs/epochs.ts. */
  @Column({ ...textColumn(12) })
  state: string;

  @Column({ name: 'begun_at', ...instantColumn })
  begunAt: number;

  @Column({ name: 'ended_at', ...instantColumn, nullable: true })
  endedAt: number | null;

  @Column({ ...textColumn(500), nullable: true })
  backup: string | null;

  @Column({ ...sealedColumn, nullable: true })
  record: Buffer | null;

  /** How many clients were made in it. Making one changes the row, so that no turning misses it. */
  @Column({ ...countColumn })
  clients: number;

  /** The process that turns it. */
  @Column({ name: 'lease_holder', ...textColumn(36), nullable: true })
  leaseHolder: string | null;

  /** Until when, by the database's clock. */
  @Column({ name: 'lease_until', ...instantColumn })
  leaseUntil: number;

  @Column({ name: 'turned_clients', ...countColumn })
  turnedClients: number;

  @Column({ name: 'turned_buckets', ...countColumn })
  turnedBuckets: number;

  @Column({ name: 'turned_subjects', ...countColumn })
  turnedSubjects: number;

  @Column({ name: 'turned_destroyed', ...countColumn })
  turnedDestroyed: number;

  /** While roots move: a digest of the place that this epoch's root is in. Null where the next one's is there too. */
  @Column({ name: 'root_place', ...textColumn(22), nullable: true })
  rootPlace: string | null;

  /** The root that was made for the next epoch, before that began. */
  @Column({ name: 'next_root_id', ...textColumn(200), nullable: true })
  nextRootId: string | null;
}

/** A client's keys. The row stays after their destruction, so that no second ones are made. */
@Entity('client_key')
export class ClientKey {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @Column({ name: 'created_at', ...instantColumn })
  createdAt: number;

  @Column({ name: 'destroyed_at', ...instantColumn, nullable: true })
  destroyedAt: number | null;

  /** The client's node key, wrapped by the epoch's. Null once it is destroyed. */
  @Column({ ...sealedColumn, nullable: true })
  node: Buffer | null;

  /** The epoch in which the node's key was made. */
  @Column({ name: 'node_generation', ...countColumn })
  nodeGeneration: number;

  /** The epoch whose key wraps the node. */
  @Column({ ...countColumn })
  epoch: number;

  /** The node that takes over while an epoch turns, wrapped by the next epoch's key. */
  @Column({ name: 'next_node', ...sealedColumn, nullable: true })
  nextNode: Buffer | null;

  /** 0 where there is no next node. */
  @Column({ name: 'next_generation', ...countColumn })
  nextGeneration: number;

  /** The secrets from which the client's other keys are derived, wrapped by its node: see secret-ring.ts. */
  @Column({ ...sealedColumn, nullable: true })
  secret: Buffer | null;

  /** How many buckets were made for the client. */
  @Column({ ...countColumn })
  buckets: number;

  /** How many of its secrets were destroyed since the node was made. */
  @Column({ ...countColumn })
  marked: number;
}

/** What is known of one of a client's secrets, without the secret. */
@Entity('client_secret')
export class ClientSecret {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  /** 1 for the first. */
  @PrimaryColumn({ ...countColumn })
  number: number;

  /** Tells it from every other secret, in copies of this store too; `first` for the one that the client began with. */
  @Column({ ...idColumn })
  id: string;

  @Column({ name: 'used_from', ...instantColumn })
  usedFrom: number;

  /** From when what was made with it is made anew; null where nothing is to be done. */
  @Column({ name: 'due_at', ...instantColumn, nullable: true })
  dueAt: number | null;

  @Column({ name: 'destroyed_at', ...instantColumn, nullable: true })
  destroyedAt: number | null;

  /** The epoch with whose end its destruction is final. */
  @Column({ name: 'key_epoch', ...countColumn, nullable: true })
  keyEpoch: number | null;
}

/** The key of some hundreds of subjects, wrapped by their client's node. */
@Entity('bucket_key')
export class BucketKey {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @PrimaryColumn({ ...countColumn })
  bucket: number;

  @Column({ ...sealedColumn })
  wrapped: Buffer;

  /** Which node wraps it. */
  @Column({ name: 'node_generation', ...countColumn })
  nodeGeneration: number;

  /** The epoch in which the bucket's key was made. */
  @Column({ ...countColumn })
  generation: number;

  /** How many subjects were put into it since its key was made. Fewer are in it once one's key was destroyed. */
  @Column({ ...countColumn })
  members: number;

  /** Above 0 where the bucket's key is to be replaced though as many are in it as were put there. */
  @Column({ ...countColumn })
  marked: number;
}

/** A data subject's key, wrapped by its bucket's. Deleting the row erases the person, in backups of the data too. */
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

  @Column({ ...countColumn })
  bucket: number;
}
