"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const product_1 = require("../support/product");
/**
 * Adds customers with ten orders each to a client: `fill-customers.js SLUG CUSTOMERS`. Each customer is sealed under
 * its own key, as in the product. Orders have only the columns that are not sealed, which is all that pages read.
 * Prints JSON: how many, and in how many seconds.
 */
const BATCH = 500;
const AT_ONCE = 3;
const ordersOfSome = (customers) => {
    const places = Array.from({ length: customers }, () => '?').join(', ');
    const numbers = Array.from({ length: 10 }, (_, number) => `SELECT ${10 + number} AS n`).join(' UNION ALL ');
    return `INSERT INTO purchase_order (client_id, customer_id, id, placed_at, currency, total, status)
    SELECT client_id, id, CONCAT(LEFT(id, 34), n), created_at + n * 86400000, 'EUR', n * 12345, 'DELIVERED'
    FROM customer JOIN (${numbers}) AS numbers WHERE client_id = ? AND id IN (${places})`;
};
async function main() {
    require('reflect-metadata');
    const [, , slug = '', wanted = '0'] = process.argv;
    const { readConfig } = (0, product_1.product)('config.js');
    const { openStores } = (0, product_1.product)('stores.js');
    const { createServices } = (0, product_1.product)('services.js');
    const stores = await openStores(readConfig(process.env));
    const services = createServices(stores);
    const client = await services.clients.find(slug);
    if (!client)
        throw new Error(`there is no client ${slug}`);
    const customers = Number(wanted);
    const startedAt = performance.now();
    let begun = 0;
    const one = async () => {
        while (begun < customers) {
            const first = begun;
            begun += BATCH;
            await write(stores, client.id, first, Math.min(BATCH, customers - first));
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    const seconds = (performance.now() - startedAt) / 1000;
    await (services.recorder ?? services.trail)?.close();
    await services.ledger.close();
    await stores.close();
    process.stdout.write(`${JSON.stringify({ customers, seconds })}\n`);
}
async function write(stores, client, first, count) {
    const { v7: uuid } = (0, product_1.packageOfProduct)('uuid');
    const { TenantWriter } = (0, product_1.product)('tenancy/tenant-writer.js');
    const { inTransaction } = (0, product_1.product)('storage/transaction.js');
    const { Customer } = (0, product_1.product)('subjects/customer.js');
    const createdAt = new Date('2025-03-01T00:00:00Z');
    const rows = Array.from({ length: count }, (_, place) => ({
        id: uuid(),
        firstName: 'Ada',
        lastName: `Nr. ${first + place}`,
        email: `person.${first + place}@example.org`,
        phone: '+49 30 901820',
        ipAddress: '192.0.2.7',
        gender: 'female',
        residency: 'DE',
        source: 'website',
        externalId: `N-${first + place}`,
        createdAt,
    }));
    const ids = rows.map(({ id }) => id);
    await stores.keys.createSubjectKeys(client, ids);
    await inTransaction(await stores.regions.of(client), async (manager) => {
        await new TenantWriter(manager, stores.keys).insert(Customer, client, rows);
        await manager.query(ordersOfSome(count), [client, ...ids]);
    });
}
void main();
