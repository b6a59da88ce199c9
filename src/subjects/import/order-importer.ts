import { Customer } from '../customer';
import { Order } from '../order';
import { childImporter } from './child-importer';
import { idAt } from './conversation-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Takes orders of customers in who are there already. */
export function orderImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: Order,
    parent: {
      entity: Customer,
      by: { customerExternalId: 'externalId', customerEmail: 'email' },
      name: 'a customer',
      link: ({ id }) => ({ customerId: id }),
    },
    // The newest orders first is then an order by id.
    newId: ({ placedAt }, line) => idAt(placedAt, line),
  });
}
