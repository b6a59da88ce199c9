import type { EntityManager } from 'typeorm';
import type { ThirdParties } from '../../register/third-parties';
import type { Delivery, WebhookRecipient, Webhooks } from '../../register/webhooks/webhooks';

/** What recipients are told (GDPR Art. 19): that a person is erased, or a whole client. */
export const ERASURE_EVENT = 'erasure.requested';
export const TERMINATION_EVENT = 'client.terminated';

type Addressee = WebhookRecipient & { endpoint: { client: string; id: string } | undefined };

/** Who has to be told of an erasure: sub-processors and the applications that the client installed (S2, S3). */
export class ErasureRecipients {
  readonly #parties: ThirdParties;
  readonly #webhooks: Webhooks;

  constructor(parties: ThirdParties, webhooks: Webhooks) {
    this.#parties = parties;
    this.#webhooks = webhooks;
  }

  /**
   * Everyone who may have received a client's data: every sub-processor, and every application that the client
   * installed. Who has read the very person is not looked up: rather one too many is told than one too few, and the
   * notice names nobody to whoever did not know them.
   */
  async of(client: string): Promise<Addressee[]> {
    const [subProcessors, installations, endpoints] = await Promise.all([
      this.#parties.subProcessors(),
      this.#parties.installations(client),
      this.#webhooks.endpoints(client),
    ]);
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

  /** Queues the notice in the caller's transaction; whoever was told already is not told again. */
  queue(
    manager: EntityManager,
    client: string,
    event: string,
    request: string,
    to: readonly Addressee[],
  ): Promise<void> {
    return this.#webhooks.queue(manager, client, event, request, to);
  }

  told(client: string, request: string): Promise<Delivery[]> {
    return this.#webhooks.deliveries(client, request);
  }
}
