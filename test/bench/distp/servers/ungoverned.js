"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const product_1 = require("../support/product");
function withoutDirectives(schema) {
    strip(schema);
    for (const type of Object.values(schema.getTypeMap())) {
        strip(type);
        for (const field of Object.values(type.getFields?.() ?? {})) {
            strip(field);
            for (const argument of field.args ?? [])
                strip(argument);
        }
        for (const value of type.getValues?.() ?? [])
            strip(value);
    }
    return schema;
}
function strip(element) {
    if (element.astNode)
        element.astNode = { ...element.astNode, directives: [] };
    element.extensionASTNodes = [];
}
/** A context is made once for a token and a purpose; each request gets a memory of its own, and may do everything. */
function permitting(contextFor) {
    const known = new WeakMap();
    return async (claims, purpose) => {
        const byPurpose = known.get(claims) ?? new Map();
        known.set(claims, byPurpose);
        const made = byPurpose.get(purpose) ?? (await permittingContext(contextFor, claims, purpose));
        byPurpose.set(purpose, made);
        const notes = { subjects: new Set(), transferBases: new Set() };
        return { ...made, notes, memory: new Map() };
    };
}
async function permittingContext(contextFor, claims, purpose) {
    const context = await contextFor(claims, purpose);
    const granted = purpose === undefined ? [] : [purpose];
    const access = { basis: {}, principal: context.claims.subject, purpose, grantedPurposes: granted };
    return { ...context, access, accessFor: () => access };
}
async function main() {
    require('reflect-metadata');
    const governance = (0, product_1.product)('governance/govern.js');
    const { govern } = governance;
    // The application takes `govern` from this module when it is opened.
    governance.govern = (schema, options) => {
        const governed = govern(withoutDirectives(schema), { ...options, ungoverned: true });
        if (governed.coordinates.length > 0)
            throw new Error('something is still governed');
        return governed;
    };
    const { readConfig } = (0, product_1.product)('config.js');
    const { openApp } = (0, product_1.product)('app.js');
    const { createServer } = (0, product_1.product)('gateway/server.js');
    const { serverOptions, work } = await openApp(readConfig(process.env));
    const { audit, ...options } = serverOptions;
    const contextFor = permitting((claims, purpose) => serverOptions.contextFor(claims, purpose));
    const ledger = process.argv[2] === 'ledger' ? { audit } : {};
    const server = await createServer({ ...options, ...ledger, contextFor });
    await server.listen({ port: 0, host: '127.0.0.1' });
    work();
    process.stdout.write(`{"port":${server.server.address().port}}\n`);
}
void main();
