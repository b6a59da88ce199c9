import type { EntityManager } from 'typeorm';
import type { ThirdParties } from '../../register/third-parties';
import type { Delivery, WebhookRecipient, Webhooks } from '../../register/webhooks/webhooks';
import type { RequestName } from '../requests/watched-requests';

/** Events that recipients are notified of (GDPR Art. 19): the erasure of a person, and of a client. */
export const ERASURE_EVENT = 'erasure.requested';
export const TERMINATION_EVENT = 'client.terminated';

/** Events that the client itself is told of: the key is deleted, and the erasure is final. */
export const DESTROYED_EVENT = 'erasure.destroyed';
export const COMPLETED_EVENT = 'erasure.completed';

type Addressee = WebhookRecipient & { endpoint: { client: string; id: string } | undefined };

/** Recipients to notify of an erasure: sub-processors, and applications that the client installed (S2, S3). */
export class ErasureRecipients {
  readonly #parties: ThirdParties;
  readonly #webhooks: Webhooks;

  constructor(parties: ThirdParties, webhooks: Webhooks) {
    this.#parties = parties;
    this.#webhooks = webhooks;
  }

  /**
   * Everybody who can have received a client's data: all sub-processors, and all applications that the client
   * installed. Who has read this very person is not looked up: notifying one too many is better than one too few, and
   * the id in the notice means nothing to those who did not know the person.
   */
  async of(client: string): Promise<Addressee[]> {
    const [subProcessors, installations] = await Promise.all([
      this.#parties.subProcessors(),
      this.#parties.installations(client),
    ]);
    if (subProcessors.length + installations.length === 0) return [];
    const endpoints = await this.#webhooks.endpoints(client);
    return [
      ...subProcessors.map(({ id, name }) => ({
        kind: 'SUB_PROCESSOR' as const,
        id,
        name,
        endpoint: endpoints.get(id),
      })),
      ...installations.map(({ id, application }) => ({
        kind: 'APPLICATION' as const,
        id,
        name: application.name,
        endpoint: endpoints.get(id),
      })),
    ];
  }

  /** Queues the notice in the caller's transaction. A recipient gets each notice once. */
  queue(
    manager: EntityManager,
    client: string,
    event: string,
    request: string,
    to: readonly Addressee[],
  ): Promise<void> {
    return this.#webhooks.queue(manager, client, event, request, to);
  }

  /** Queues an event for the client's own endpoint, in the caller's transaction. */
  queueForClient(manager: EntityManager, { client, id }: RequestName, event: string): Promise<void> {
    return this.#webhooks.queueForClient(manager, client, event, id);
  }

  told(client: string, request: string): Promise<Delivery[]> {
    return this.#webhooks.deliveries(client, request);
  }
}
