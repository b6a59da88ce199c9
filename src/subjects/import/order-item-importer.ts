import { v7 as uuid } from 'uuid';
import { Order, OrderItem } from '../order';
import { childImporter } from './child-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Takes lines of orders in that are there already. */
export function orderItemImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: OrderItem,
    parent: {
      entity: Order,
      by: { orderExternalId: 'externalId' },
      name: 'an order',
      link: ({ customerId, id }) => ({ customerId, orderId: id }),
    },
    // In the order of the file, which is the order in which lines are read.
    newId: () => uuid(),
  });
}
