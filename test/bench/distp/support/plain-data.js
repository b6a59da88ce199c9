"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.PlainData = void 0;
const promise_1 = require("mysql2/promise");
const columns = [
    'id',
    'firstName',
    'lastName',
    'email',
    'phone',
    'socialHandle',
    'ipAddress',
    'gender',
    'residency',
    'source',
    'externalId',
    'createdAt',
];
/** The data access that all ungoverned servers share: raw rows, prepared statements, only the columns asked for. */
class PlainData {
    #pool;
    constructor(url) {
        this.#pool = (0, promise_1.createPool)({ uri: url, connectionLimit: 10, decimalNumbers: true, maxPreparedStatements: 200 });
    }
    async one(id, fields = columns) {
        const [rows] = await this.#pool.execute(`SELECT ${list(fields)} FROM customer WHERE id = ?`, [id]);
        return rows[0] ?? null;
    }
    async byEmail(email, fields = columns) {
        const [rows] = await this.#pool.execute(`SELECT ${list(fields)} FROM customer WHERE email = ?`, [
            email,
        ]);
        return rows[0] ?? null;
    }
    async page(first, fields = columns) {
        const [rows] = await this.#pool.execute(`SELECT ${list(fields)} FROM customer ORDER BY id LIMIT ${first}`);
        return rows;
    }
    /** The newest orders of each customer: all of them by one range each, and cut here. */
    async orders(customerIds, first) {
        const places = customerIds.map(() => '?').join(', ');
        const [rows] = await this.#pool.execute(`SELECT id, customerId, placedAt, total, currency, status FROM purchase_order WHERE customerId IN (${places})`, [...customerIds]);
        const taken = new Map();
        return rows
            .sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0))
            .filter(({ customerId }) => {
            const count = taken.get(customerId) ?? 0;
            taken.set(customerId, count + 1);
            return count < first;
        });
    }
    async fill(customers, orders) {
        await this.#pool.query('DROP TABLE IF EXISTS customer, purchase_order');
        await this.#pool.query(`CREATE TABLE customer (id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, firstName VARCHAR(200), lastName VARCHAR(200),
      email VARCHAR(320), phone VARCHAR(60), socialHandle VARCHAR(100), ipAddress VARCHAR(45), gender VARCHAR(40), residency VARCHAR(2), source VARCHAR(100),
      externalId VARCHAR(200), createdAt VARCHAR(30), INDEX (email)) CHARACTER SET utf8mb4`);
        await this.#pool.query(`CREATE TABLE purchase_order (id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin, customerId VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
      placedAt VARCHAR(30), total DECIMAL(19,4), currency VARCHAR(3), status VARCHAR(40), PRIMARY KEY (customerId, id)) CHARACTER SET utf8mb4`);
        for (let start = 0; start < customers.length; start += 500) {
            const rows = customers
                .slice(start, start + 500)
                .map((row) => columns.map((name) => row[name]));
            await this.#pool.query(`INSERT INTO customer (${list(columns)}) VALUES ?`, [rows]);
        }
        for (let start = 0; start < orders.length; start += 500) {
            const rows = orders
                .slice(start, start + 500)
                .map((row) => [row.id, row.customerId, row.placedAt, row.total, row.currency, row.status]);
            await this.#pool.query('INSERT INTO purchase_order (id, customerId, placedAt, total, currency, status) VALUES ?', [rows]);
        }
    }
    async close() {
        await this.#pool.end();
    }
}
exports.PlainData = PlainData;
const list = (fields) => fields.map((field) => `\`${field}\``).join(', ');
