"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.copyToPlain = copyToPlain;
const load_1 = require("./load");
const plain_data_1 = require("./plain-data");
const remit_1 = require("./remit");
const fields = 'id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt orders(first: 50) { nodes { id placedAt total currency status } }';
const copy = `query Copy($after: String) { customers(first: 200, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`;
/**
 * Gives the others what Remit gives: all customers and orders, read through Remit, in plain columns.
 * @returns a customer that has an e-mail address
 */
async function copyToPlain({ urls }, remit, headers) {
    const customers = [];
    const orders = [];
    for (let after = null;;) {
        const { data, errors } = await (0, load_1.ask)(remit, (0, remit_1.post)(headers, copy, { after }));
        if (errors)
            throw new Error(`the copy is not complete: ${JSON.stringify(errors)}`);
        const { nodes, pageInfo } = data.customers;
        for (const { orders: bought, ...customer } of nodes) {
            customers.push(customer);
            orders.push(...bought.nodes.map((order) => ({ ...order, customerId: customer.id })));
        }
        if (!pageInfo.hasNextPage)
            break;
        after = pageInfo.endCursor;
    }
    const plain = new plain_data_1.PlainData(urls.plain);
    await plain.fill(customers, orders);
    await plain.close();
    const sample = customers.find(({ email }) => email !== null);
    if (!sample?.email)
        throw new Error('no customer of the sample has an e-mail address');
    return { id: sample.id, email: sample.email };
}
