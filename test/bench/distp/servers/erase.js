"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const node_path_1 = require("node:path");
/**
 * Fills a client with people, or erases them: `erase.js fill SLUG PEOPLE ROWS`, `erase.js people SLUG CONCURRENCY`,
 * `erase.js client SLUG`. Prints JSON. Each runs in a process of its own, so that memory is the work's alone.
 */
const product = (0, node_path_1.join)(__dirname, '..', '..', '..', '..', 'dist', 'src');
const BATCH = 250;
async function open() {
    require('reflect-metadata');
    const { readConfig } = require((0, node_path_1.join)(product, 'config.js'));
    const { openStores } = require((0, node_path_1.join)(product, 'stores.js'));
    const { createServices } = require((0, node_path_1.join)(product, 'services.js'));
    const stores = await openStores(readConfig(process.env));
    return { stores, services: createServices(stores) };
}
async function main() {
    const [work, slug = '', ...numbers] = process.argv.slice(2);
    const { services, stores } = await open();
    const result = await run({ services, stores }, work ?? '', slug, numbers.map(Number));
    await (services.recorder ?? services.trail)?.close();
    await services.ledger.close();
    await stores.close();
    const peakMemory = Math.round(process.resourceUsage().maxRSS / 1024);
    process.stdout.write(`${JSON.stringify({ ...result, peakMemory })}\n`);
}
async function run(opened, work, slug, [first = 0, second = 0]) {
    if (work === 'fill')
        return fill(opened, slug, first, second);
    const client = (await opened.services.clients.find(slug))?.id ?? '';
    return work === 'people' ? people(opened, client, first) : end(opened, client);
}
/** People with ROWS related rows each: orders with their items, messages, attributes, a health record. */
async function fill({ services, stores }, slug, count, rows) {
    const { v7: uuid } = require((0, node_path_1.join)(product, '..', '..', 'node_modules', 'uuid'));
    const { TenantWriter } = require((0, node_path_1.join)(product, 'tenancy', 'tenant-writer.js'));
    const { inTransaction } = require((0, node_path_1.join)(product, 'storage', 'transaction.js'));
    const { Customer } = require((0, node_path_1.join)(product, 'subjects', 'customer.js'));
    const { Order, OrderItem } = require((0, node_path_1.join)(product, 'subjects', 'related', 'order.js'));
    const { Conversation, Message } = require((0, node_path_1.join)(product, 'subjects', 'related', 'conversation.js'));
    const { CustomAttribute } = require((0, node_path_1.join)(product, 'subjects', 'related', 'custom-attribute.js'));
    const { id: client } = await services.clients.register({ slug, name: slug }, 'bench');
    const source = await stores.regions.of(client);
    const at = new Date('2025-03-01T00:00:00Z');
    // Of twenty: 4 orders, 8 items, 1 conversation, 5 messages, 2 attributes.
    const share = (part) => Math.max(1, Math.round((rows * part) / 20));
    const each = (n, make) => Array.from({ length: n }, (_, index) => make(index));
    for (let start = 0; start < count; start += BATCH) {
        const ids = each(Math.min(BATCH, count - start), () => uuid());
        await stores.keys.createSubjectKeys(client, ids);
        const orders = ids.flatMap((customerId) => each(share(4), () => ({ customerId, id: uuid() })));
        const conversations = ids.map((customerId) => ({ customerId, id: uuid() }));
        const customers = ids.map((id, index) => ({
            id,
            firstName: 'Ada',
            lastName: `Nr. ${start + index}`,
            email: `${id}@example.org`,
            residency: 'DE',
            externalId: id,
            createdAt: at,
        }));
        const items = orders.flatMap(({ customerId, id }) => each(2, (item) => ({ customerId, orderId: id, id: uuid(), name: `thing ${item}`, quantity: 1, unitPrice: 2 })));
        const messages = conversations.flatMap(({ customerId, id }) => each(share(5), () => ({ customerId, conversationId: id, id: uuid(), sentAt: at, body: 'Where is my order?' })));
        const attributes = ids.flatMap((customerId) => ['plan', 'segment'].map((key) => ({ id: uuid(), customerId, key, value: 'gold' })));
        await inTransaction(source, async (manager) => {
            const writer = new TenantWriter(manager, stores.keys);
            await writer.insert(Customer, client, customers);
            await writer.insert(Order, client, orders.map((order) => ({ ...order, placedAt: at, total: 9.5, currency: 'EUR' })));
            if (rows < 20)
                return;
            await writer.insert(OrderItem, client, items);
            await writer.insert(Conversation, client, conversations.map((each) => ({ ...each, subject: 'order' })));
            await writer.insert(Message, client, messages);
            await writer.insert(CustomAttribute, client, attributes);
        });
    }
    return { people: count };
}
/** Files the erasure of everybody and carries it out. */
async function people({ services, stores }, client, concurrency) {
    const { jobWorker } = require((0, node_path_1.join)(product, 'background.js'));
    const source = await stores.regions.of(client);
    const rows = await source.query('SELECT id FROM customer WHERE client_id = ?', [client]);
    const filing = { principal: 'bench', role: 'CLIENT_ADMIN', grounds: 'CLIENT_INSTRUCTION' };
    const began = performance.now();
    const { requested: filed } = await services.erasure.erasures.requestMany(client, rows.map(({ id }) => id), filing);
    const filedAt = performance.now();
    const worker = jobWorker(stores, services, { concurrency, onFailure: fail });
    await worker.drain();
    const ended = performance.now();
    return { filed, filingSeconds: (filedAt - began) / 1000, seconds: (ended - filedAt) / 1000 };
}
async function end({ services, stores }, client) {
    const { jobWorker } = require((0, node_path_1.join)(product, 'background.js'));
    const by = { principal: 'bench', role: 'PLATFORM_STAFF' };
    const { id } = await services.erasure.terminations.terminate({ clientId: client, effectiveOn: new Date() }, by);
    const began = performance.now();
    await jobWorker(stores, services, { concurrency: 1, onFailure: fail }).drain();
    const seconds = (performance.now() - began) / 1000;
    const state = await services.erasure.erasures.find(client, id);
    const steps = await services.erasure.erasures.steps(client, id);
    return { seconds, status: state?.status, rows: steps.reduce((sum, step) => sum + step.rows, 0) };
}
function fail(error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
}
void main();
