import { NonPersonal } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const business = 'between businesses; it names no person';

/** Recipients of a client's data, other than the client (statement S2, S3). */
export type WebhookRecipientKind = 'SUB_PROCESSOR' | 'APPLICATION';

/** Owners of endpoints: recipients, and the client itself for its notices. */
export type EndpointKind = WebhookRecipientKind | 'CLIENT';

/** A webhook endpoint. Endpoints of sub-processors belong to the platform, those of applications to the client. */
@TenantTable('webhook_endpoint', { erasure: 'KEEP' })
export class WebhookEndpointRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(business, { plain: 'id' })
  id: string;

  @NonPersonal(business, { plain: { text: 20 } })
  kind: EndpointKind;

  @NonPersonal(business, { plain: 'id' })
  ownerId: string;

  @NonPersonal(business, { plain: { text: 1000 } })
  url: string;

  /** Encrypted under a key of the platform (webhook-secrets.ts). */
  @NonPersonal(business, { plain: { text: 300 } })
  secret: string;

  /** The secret before, while both sign; encrypted likewise. */
  @NonPersonal(business, { plain: { text: 300 } })
  formerSecret: string | null;

  @NonPersonal(business, { plain: 'instant' })
  formerUntil: number | null;

  @NonPersonal(business, { plain: 'instant' })
  createdAt: number;
}

export type DeliveryStatus = 'QUEUED' | 'NO_ENDPOINT' | 'NOTIFIED' | 'ACKNOWLEDGED' | 'DEAD';

/**
 * The delivery of an event to a recipient. It names the event, not the person: the body is made when it is sent, so
 * that the queue contains no copies of data (docs/pitfalls.md, 28).
 */
@TenantTable('webhook_delivery', { erasure: 'KEEP' })
export class WebhookDeliveryRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(business, { plain: 'id' })
  id: string;

  @NonPersonal(business, { plain: { text: 40 } })
  event: string;

  @NonPersonal(business, { plain: 'id' })
  reference: string;

  @NonPersonal(business, { plain: { text: 20 } })
  recipientKind: EndpointKind;

  @NonPersonal(business, { plain: 'id' })
  recipientId: string;

  @NonPersonal(business, { plain: { text: 200 } })
  recipientName: string;

  @NonPersonal(business, { plain: 'id' })
  endpointClient: string | null;

  @NonPersonal(business, { plain: 'id' })
  endpointId: string | null;

  @NonPersonal(business, { plain: { text: 20 } })
  status: DeliveryStatus;

  @NonPersonal(business, { plain: 'count' })
  attempts: number;

  @NonPersonal(business, { plain: 'instant' })
  nextAt: number | null;

  @NonPersonal(business, { plain: { text: 36 } })
  leaseHolder: string | null;

  @NonPersonal(business, { plain: { text: 60 } })
  fault: string | null;

  @NonPersonal(business, { plain: 'instant' })
  notifiedAt: Date | null;

  @NonPersonal(business, { plain: 'instant' })
  acknowledgedAt: Date | null;
}
