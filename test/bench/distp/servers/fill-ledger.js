"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const node_path_1 = require("node:path");
/** Fills the ledger with entries as requests leave them: `fill-ledger.js ENTRIES`. Prints how many a second. */
const product = (0, node_path_1.join)(__dirname, '..', '..', '..', '..', 'dist', 'src');
const AT_ONCE = 256;
async function main() {
    require('reflect-metadata');
    const { readConfig } = require((0, node_path_1.join)(product, 'config.js'));
    const { openStores } = require((0, node_path_1.join)(product, 'stores.js'));
    const { createServices } = require((0, node_path_1.join)(product, 'services.js'));
    const { v7: uuid } = require((0, node_path_1.join)(product, '..', '..', 'node_modules', 'uuid'));
    const stores = await openStores(readConfig(process.env));
    const { ledger } = createServices(stores);
    const entries = Number(process.argv[2]);
    const startedAt = performance.now();
    let begun = 0;
    const one = async () => {
        while (begun++ < entries)
            await ledger.append(undefined, uuid(), entryOf(begun));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    const seconds = (performance.now() - startedAt) / 1000;
    await ledger.close();
    await stores.close();
    process.stdout.write(`{"entriesPerSecond":${Math.round(entries / seconds)}}\n`);
}
const names = ['id', 'firstName', 'lastName', 'email', 'phone', 'gender', 'residency', 'source', 'createdAt'];
const coordinates = Object.fromEntries(names.map((name) => [`Customer.${name}`, 'CLEAR']));
/** About as long as the entry of a page of 20 customers. */
const entryOf = (number) => ({
    codes: {},
    coordinates,
    counts: { CLEAR: 9, DEIDENTIFIED: 0, WITHHELD: 0 },
    country: 'DE',
    decision: 'Yx6Yc0D1kq3n0y0wN0bS7Q',
    kind: 'ACCESS',
    microseconds: 1500 + (number % 1000),
    operation: 'Page',
    operationHash: 'u'.repeat(43),
    permissions: ['grant 0190b3e0-0000-7000-8000-000000000000'],
    policyVersion: 'abcdefgh.1.2',
    principal: 'p'.repeat(22),
    principalName: 's'.repeat(80),
    purpose: 'SUPPORT',
    result: 'ANSWERED',
    roles: ['CLIENT_AGENT'],
    rowsWithheld: [],
    subjects: Array.from({ length: 20 }, (_, index) => `${String(number + index).padStart(22, '0')}`),
    time: new Date().toISOString(),
    transferBases: [],
    transport: 'http',
    version: 1,
});
void main();
