import type { Installation } from './installation';
import { ask } from './load';
import { type PlainCustomer, PlainData, type PlainOrder } from './plain-data';
import { type Headers, post } from './remit';
import type { ServerProcess } from './server-process';

const fields =
  'id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt orders(first: 50) { nodes { id placedAt total currency status } }';
const copy = `query Copy($after: String) { customers(first: 200, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`;

interface Page {
  readonly nodes: ReadonlyArray<PlainCustomer & { readonly orders: { readonly nodes: readonly PlainOrder[] } }>;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

/**
 * Gives the others what Remit gives: all customers and orders, read through Remit, in plain columns.
 * @returns a customer that has an e-mail address
 */
export async function copyToPlain(
  { urls }: Installation,
  remit: ServerProcess,
  headers: Headers,
): Promise<{ id: string; email: string }> {
  const customers: PlainCustomer[] = [];
  const orders: PlainOrder[] = [];
  for (let after: string | null = null; ; ) {
    const { data, errors } = await ask(remit, post(headers, copy, { after }));
    if (errors) throw new Error(`the copy is not complete: ${JSON.stringify(errors)}`);
    const { nodes, pageInfo } = (data as { customers: Page }).customers;
    for (const { orders: bought, ...customer } of nodes) {
      customers.push(customer);
      orders.push(...bought.nodes.map((order) => ({ ...order, customerId: customer.id })));
    }
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  const plain = new PlainData(urls.plain);
  await plain.fill(customers, orders);
  await plain.close();
  const sample = customers.find(({ email }) => email !== null);
  if (!sample?.email) throw new Error('no customer of the sample has an e-mail address');
  return { id: sample.id, email: sample.email };
}
