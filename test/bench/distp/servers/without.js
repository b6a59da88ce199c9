"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const product_1 = require("../support/product");
async function main() {
    const [, , part] = process.argv;
    if (part !== 'ledger' && part !== 'memory')
        throw new Error('without what: ledger or memory');
    const { readConfig } = (0, product_1.product)('config.js');
    const { openApp } = (0, product_1.product)('app.js');
    const { createServer } = (0, product_1.product)('gateway/server.js');
    if (part === 'memory')
        (0, product_1.product)('keys/held-key.js').HeldKey.prototype.recall = () => undefined;
    const { serverOptions } = await openApp(readConfig(process.env));
    const { audit: _ledger, ...unaudited } = serverOptions;
    const server = await createServer(part === 'ledger' ? unaudited : serverOptions);
    await server.listen({ port: 0, host: '127.0.0.1' });
    process.stdout.write(`{"port":${server.server.address().port}}\n`);
}
void main();
