import { Directive, Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { connectionOf } from '../../api/paging';
import type { Outcome } from '../../governance/govern';
import type { ProcessingPurpose } from '../../governance/vocabulary';
import type { Role } from '../../identity/caller';
import { OutcomeEnum, ProcessingPurposeEnum, RoleEnum } from '../../identity/enums';

@ObjectType({ description: 'What became of one governed field in a request.', simpleResolvers: true })
export class AuditedCoordinate {
  @Field(() => String, { description: '`Type.field`' })
  coordinate: string;

  @Field(() => OutcomeEnum)
  outcome: Outcome;

  @Field(() => Boolean, { description: 'Whether some rows of it were withheld all the same.' })
  rowsWithheld: boolean;
}

@ObjectType({ description: 'How often an answer said a code.', simpleResolvers: true })
export class AuditedCode {
  @Field(() => String)
  code: string;

  @Field(() => Int, { description: 'Rows that it is about; 1 where it is about none.' })
  rows: number;
}

@ObjectType({ description: 'A fact of a change to governance.', simpleResolvers: true })
export class AuditedDetail {
  @Field(() => String)
  name: string;

  @Field(() => String, { nullable: true })
  value: string | null;
}

@ObjectType('AuditEntry', {
  description: 'One access, or one change to governance (statement G1, G3). It holds no personal data in the clear.',
  simpleResolvers: true,
})
export class AuditEntryType {
  @Field(() => ID, { description: 'What a response says in `extensions.governance.auditId`.' })
  id: string;

  @Field(() => String, { description: '`ACCESS`, or what was changed: `GRANT_GIVEN`, `ERASURE_EXECUTED`, …' })
  kind: string;

  @Field(() => DateTime)
  time: Date;

  @Field(() => ID, { nullable: true, description: 'The client that it is about.' })
  client: string | null;

  @Field(() => String, { nullable: true, description: 'Who it was; null for nobody, and once the client is erased.' })
  principal: string | null;

  @Field(() => [RoleEnum])
  roles: readonly Role[];

  @Field(() => ProcessingPurposeEnum, { nullable: true })
  purpose: ProcessingPurpose | null;

  @Field(() => [String], { description: 'The grants and instructions that let it.' })
  permissions: readonly string[];

  @Field(() => String, {
    nullable: true,
    description: 'Its kind and root fields, such as `query customers`; what its caller calls it is not kept.',
  })
  operation: string | null;

  @Field(() => String, { nullable: true, description: 'SHA-256 of the document without its literals.' })
  operationHash: string | null;

  @Field(() => [AuditedCoordinate])
  coordinates: readonly AuditedCoordinate[];

  @Field(() => [AuditedCode])
  codes: readonly AuditedCode[];

  @Field(() => [String], { description: 'Data subjects, by references that nobody can compute once they are erased.' })
  subjects: readonly string[];

  @Field(() => String, { nullable: true, description: 'Where it was read, ISO 3166-1 alpha-2.' })
  country: string | null;

  @Field(() => [String], { description: 'What carried data across borders.' })
  transferBases: readonly string[];

  @Field(() => String, { nullable: true })
  policyVersion: string | null;

  @Field(() => String, { nullable: true })
  decisionId: string | null;

  @Field(() => Float, { nullable: true, description: 'Milliseconds.' })
  latency: number | null;

  @Field(() => String, { nullable: true, description: 'ANSWERED, PARTLY, REFUSED or REJECTED.' })
  result: string | null;

  @Field(() => [AuditedDetail])
  details: readonly AuditedDetail[];

  @Field(() => ID, { description: 'The log that it is in.' })
  log: string;

  @Field(() => Int, { description: 'Its number in the log, from 0.' })
  sequence: number;
}

export const AuditEntryConnection = connectionOf(AuditEntryType, 'AuditEntry');

@InputType()
export class AuditEntryFilter {
  @Field(() => ID, { nullable: true, description: "A data subject's id; the token must name the client." })
  subject?: string | null;

  @Field(() => String, { nullable: true, description: 'A principal (`sub`).' })
  principal?: string | null;

  @Field(() => ProcessingPurposeEnum, { nullable: true })
  purpose?: ProcessingPurpose | null;

  @Field(() => String, { nullable: true, description: '`Type.field`' })
  coordinate?: string | null;

  @Field(() => OutcomeEnum, { nullable: true, description: 'Of the coordinate, or of any where none is named.' })
  outcome?: Outcome | null;

  @Directive('@nonPersonal(because: "a kind of entry of the ledger")')
  @Field(() => String, { nullable: true, description: 'Such as `ACCESS` or `GRANT_GIVEN`.' })
  kind?: string | null;

  @Field(() => DateTime, { nullable: true })
  from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Up to, not including.' })
  to?: Date | null;
}

@ObjectType('AuditProof', {
  description: 'That an entry is in its log, checkable by anyone with the public key.',
  simpleResolvers: true,
})
export class AuditProofType {
  @Field(() => String, { description: 'The canonical JSON that was hashed, byte for byte.' })
  entry: string;

  @Field(() => Int)
  index: number;

  @Field(() => [String], { description: 'Base64, from the leaf up (RFC 6962, section 2.1.1).' })
  hashes: readonly string[];

  @Field(() => String, { description: 'A signed note by C2SP tlog-checkpoint.' })
  checkpoint: string;

  @Field(() => String, { description: 'All but the entry, as C2SP tlog-proof writes it.' })
  tlogProof: string;
}

@ObjectType('AuditCheckpoint', { description: "A log's latest signed state.", simpleResolvers: true })
export class AuditCheckpointType {
  @Field(() => ID)
  log: string;

  @Field(() => Int, { description: 'Entries that it covers.' })
  size: number;

  @Field(() => String, { description: 'Base64.' })
  root: string;

  @Field(() => String, { description: 'A signed note by C2SP tlog-checkpoint.' })
  note: string;

  @Field(() => String, { description: 'The key to verify it with, as tools for signed notes take it.' })
  verifierKey: string;
}
