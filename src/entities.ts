import { AuditAnchorRow, AuditEarlierRow, AuditEntryRow, AuditLogRow, AuditTileRow } from './audit/log/entities';
import { Disclosure } from './disclosures/disclosure';
import { LegalHoldRow } from './erasure/holds/legal-hold';
import { ErasureRecordRow, ErasureTombstone } from './erasure/records/entities';
import { ErasureRequestRow, ErasureStepRow } from './erasure/requests/erasure-request';
import { RetentionRuleRow } from './erasure/retention/retention-rule';
import { ClientExportRow, ExportChunkRow } from './exports/client-export';
import { IdempotencyKeyRow } from './gateway/idempotency/idempotency-key-row';
import { RateShareRow } from './gateway/rate-shares';
import { ClientInstruction } from './identity/client-instruction';
import { PolicyVersion } from './identity/policy-version';
import { PurposeGrant } from './identity/purpose-grant';
import { Job } from './jobs/jobs';
import { BackgroundTaskRow } from './jobs/shared-tasks';
import { BucketKey, ClientKey, ClientSecret, SubjectKey } from './keys/entities';
import { Agreement } from './register/agreement';
import { Announcement } from './register/announcement';
import { RecipientCertification } from './register/certification';
import { Client } from './register/client';
import { ClientNotice } from './register/client-notice';
import { ClientUser } from './register/client-user';
import { Installation } from './register/installation';
import { Proposal } from './register/proposal';
import { SubProcessor } from './register/sub-processor';
import { ThirdPartyApplication } from './register/third-party-application';
import { WebhookDeliveryRow, WebhookEndpointRow } from './register/webhooks/webhook-rows';
import { Customer } from './subjects/customer';
import { IdentifierMove } from './subjects/identifier-move';
import { relatedEntities } from './subjects/related-entities';
import { IdentifierTurn } from './tenancy/unique-indexes';
import { LegalBasisSuspension } from './transfers/legal-basis-suspension';
import { TransferApproval, TransferEventRow, TransferSubject } from './transfers/transfer-approval';

/** Tables whose rows belong to a client; what holds a client's id is here, or the census says so. */
export const tenantEntities: ReadonlyArray<new () => object> = [
  Client,
  ClientUser,
  Agreement,
  PurposeGrant,
  ClientInstruction,
  Installation,
  Customer,
  ...relatedEntities,
  Disclosure,
  ErasureRequestRow,
  ErasureStepRow,
  LegalHoldRow,
  RetentionRuleRow,
  WebhookEndpointRow,
  WebhookDeliveryRow,
  Job,
  ClientNotice,
  TransferApproval,
  TransferEventRow,
  TransferSubject,
  ClientExportRow,
  ExportChunkRow,
  IdempotencyKeyRow,
  IdentifierMove,
  IdentifierTurn,
];

/** Tables of the platform itself. */
const platformEntities = [
  PolicyVersion,
  RateShareRow,
  SubProcessor,
  ThirdPartyApplication,
  AuditLogRow,
  AuditEntryRow,
  AuditTileRow,
  AuditAnchorRow,
  AuditEarlierRow,
  RecipientCertification,
  LegalBasisSuspension,
  Proposal,
  Announcement,
  BackgroundTaskRow,
];

export const dataEntities = [...tenantEntities, ...platformEntities];

/** Tables of the keys' store that hold a client's id: keys go with what they seal, the ledger proves that they went. */
export const clientKeyEntities = [ClientKey, ClientSecret, BucketKey, SubjectKey, ErasureRecordRow, ErasureTombstone];
