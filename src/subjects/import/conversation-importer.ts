import { v7 as uuid } from 'uuid';
import { Conversation, Message } from '../conversation';
import { Customer } from '../customer';
import { childImporter } from './child-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Takes conversations of customers in who are there already, in the order of the file. */
export function conversationImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: Conversation,
    parent: {
      entity: Customer,
      by: { customerExternalId: 'externalId', customerEmail: 'email' },
      name: 'a customer',
      link: ({ id }) => ({ customerId: id }),
    },
    newId: () => uuid(),
  });
}

/** Takes messages of conversations in that are there already; their ids order them by the time at which they were sent. */
export function messageImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: Message,
    parent: {
      entity: Conversation,
      by: { conversationExternalId: 'externalId' },
      name: 'a conversation',
      link: ({ customerId, id }) => ({ customerId, conversationId: id }),
    },
    newId: ({ sentAt }, line) => idAt(sentAt, line),
  });
}

/** An id that orders by a time, and within one moment as the file does; by now where the file says none. */
export function idAt(time: unknown, line: number): string {
  const msecs = time instanceof Date ? Math.max(0, time.getTime()) : Date.now();
  return uuid({ msecs, seq: line & 0x7fffffff });
}
