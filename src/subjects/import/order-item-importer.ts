import { v7 as uuid } from 'uuid';
import { Order, OrderItem } from '../related/order';
import { childImporter } from './child-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Imports lines of existing orders. */
export function orderItemImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: OrderItem,
    parent: {
      entity: Order,
      by: { orderExternalId: 'externalId' },
      name: 'an order',
      link: ({ customerId, id }) => ({ customerId, orderId: id }),
    },
    // Ids sort in the order of the file, as lines are shown.
    newId: () => uuid(),
  });
}
