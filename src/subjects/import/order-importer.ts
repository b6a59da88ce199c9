import { v7 as uuid } from 'uuid';
import { Customer } from '../customer';
import { Order } from '../order';
import { childImporter } from './child-importer';
import type { ImportTarget } from './external-ids';
import type { Importer } from './importer';
import type { Mapping } from './mapping';

/** Takes orders of customers in who are there already. */
export function orderImporter(target: ImportTarget, mapping: Mapping): Promise<Importer> {
  return childImporter(target, mapping, {
    entity: Order,
    parent: {
      entity: Customer,
      field: 'customerExternalId',
      name: 'a customer',
      link: ({ id }) => ({ customerId: id }),
    },
    newId: ({ placedAt }, line) => orderId(placedAt, line),
  });
}

/**
 * An id that orders by the time at which the order was placed, and within one moment as the file does: the newest
 * orders first is then an order by id.
 */
function orderId(placedAt: unknown, line: number): string {
  const msecs = placedAt instanceof Date ? Math.max(0, placedAt.getTime()) : Date.now();
  return uuid({ msecs, seq: line & 0x7fffffff });
}
