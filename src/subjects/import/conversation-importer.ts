import { v7 as uuid } from 'uuid';
import { Customer } from '../customer';
import { Conversation, Message } from '../related/conversation';
import { childImporter } from './child-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Imports conversations of existing customers, in the order of the file. */
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

/** Imports messages of existing conversations. Their ids sort by the time of sending. */
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

/** An id that sorts by a time, and within the same time by line. Uses the current time where the file gives none. */
export function idAt(time: unknown, line: number): string {
  const msecs = time instanceof Date ? Math.max(0, time.getTime()) : Date.now();
  return uuid({ msecs, seq: line & 0x7fffffff });
}
