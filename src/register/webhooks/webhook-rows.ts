import { NonPersonal } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const business = 'between businesses; it names no person';

/** Who receives a client's data beside the client itself (statement S2, S3). */
export type WebhookRecipientKind = 'SUB_PROCESSOR' | 'APPLICATION';

/** Who has an endpoint: recipients, and the client itself for what it is told. */
export type EndpointKind = WebhookRecipientKind | 'CLIENT';

/** Where a recipient is told. Sub-processors' endpoints belong to the platform, applications' to the client. */
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

  /** Sealed under the platform's key, base64. */
  @NonPersonal(business, { plain: { text: 300 } })
  secret: string;

  @NonPersonal(business, { plain: 'instant' })
  createdAt: number;
}

export type DeliveryStatus = 'QUEUED' | 'NO_ENDPOINT' | 'NOTIFIED' | 'ACKNOWLEDGED' | 'DEAD';

/**
 * One recipient of one event. It says which event, not whom it is about: the body is made when it is sent, so that
 * neither queue nor dead notice holds a copy of anything (docs/pitfalls.md, 28).
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
