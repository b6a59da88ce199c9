import { Customer } from '../customer';
import { Order } from '../related/order';
import { childImporter } from './child-importer';
import { idAt } from './conversation-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Imports orders of existing customers. */
export function orderImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: Order,
    parent: {
      entity: Customer,
      by: { customerExternalId: 'externalId', customerEmail: 'email' },
      name: 'a customer',
      link: ({ id }) => ({ customerId: id }),
    },
    // So that ids sort by time.
    newId: ({ placedAt }, line) => idAt(placedAt, line),
  });
}
