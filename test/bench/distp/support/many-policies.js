"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.manyGrantsAndClients = manyGrantsAndClients;
const promise_1 = require("mysql2/promise");
const TIMES = 10;
const CLIENTS = 1_000;
const terms = 'grantee_kind, grantee, purpose, categories, reason, valid_from, valid_to, withdrawn_at, withdrawn_reason, given_by';
/**
 * Multiplies a client's grants by ten, and adds a thousand clients with as many grants each. Nobody reads as one of
 * these, so they have no keys and no customers. Run it before the server starts: it changes no policy version.
 */
async function manyGrantsAndClients(url, slug) {
    const connection = await (0, promise_1.createConnection)(url);
    try {
        const rows = async (sql, values) => (await connection.query(sql, [...values]))[0];
        const [client] = await rows('SELECT client_id AS id FROM client WHERE slug = ?', [slug]);
        const id = String(client?.id);
        const grants = await rows(`SELECT ${terms} FROM purpose_grant WHERE client_id = ?`, [id]);
        if (grants.length === 0)
            throw new Error(`${slug} has no grants`);
        const names = `client_id, id, ${terms}`;
        const tenfold = (owner, times) => Array.from({ length: times }, () => grants.map((grant) => [owner, crypto.randomUUID(), ...Object.values(grant)]));
        await connection.query(`INSERT INTO purpose_grant (${names}) VALUES ?`, [tenfold(id, TIMES - 1).flat()]);
        for (let number = 0; number < CLIENTS; number++) {
            const other = crypto.randomUUID();
            await connection.query('INSERT INTO client (client_id, slug, name, country, created_at) VALUES ?', [
                [[other, `neighbour-${number}`, `Neighbour ${number}`, 'DE', 0]],
            ]);
            await connection.query('INSERT INTO policy_version (scope, version) VALUES ?', [[[other, 1]]]);
            await connection.query(`INSERT INTO purpose_grant (${names}) VALUES ?`, [tenfold(other, TIMES).flat()]);
        }
        return { grants: grants.length * TIMES, clients: CLIENTS };
    }
    finally {
        await connection.end();
    }
}
