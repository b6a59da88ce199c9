import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise';

/** A customer as the ungoverned servers keep it: plain columns, the same values that Remit has sealed. */
export interface PlainCustomer {
  readonly id: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly socialHandle: string | null;
  readonly ipAddress: string | null;
  readonly gender: string | null;
  readonly residency: string | null;
  readonly source: string | null;
  readonly externalId: string | null;
  readonly createdAt: string;
}

export interface PlainOrder {
  readonly id: string;
  readonly customerId: string;
  readonly placedAt: string;
  readonly total: number;
  readonly currency: string | null;
  readonly status: string | null;
}

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
export class PlainData {
  readonly #pool: Pool;

  constructor(url: string) {
    this.#pool = createPool({ uri: url, connectionLimit: 10, decimalNumbers: true, maxPreparedStatements: 200 });
  }

  async one(id: string, fields: readonly string[] = columns): Promise<PlainCustomer | null> {
    const [rows] = await this.#pool.execute<RowDataPacket[]>(`SELECT ${list(fields)} FROM customer WHERE id = ?`, [id]);
    return (rows[0] as PlainCustomer | undefined) ?? null;
  }

  async byEmail(email: string, fields: readonly string[] = columns): Promise<PlainCustomer | null> {
    const [rows] = await this.#pool.execute<RowDataPacket[]>(`SELECT ${list(fields)} FROM customer WHERE email = ?`, [
      email,
    ]);
    return (rows[0] as PlainCustomer | undefined) ?? null;
  }

  async page(first: number, fields: readonly string[] = columns): Promise<PlainCustomer[]> {
    const [rows] = await this.#pool.execute<RowDataPacket[]>(
      `SELECT ${list(fields)} FROM customer ORDER BY id LIMIT ${first}`,
    );
    return rows as PlainCustomer[];
  }

  /** The newest orders of each customer: all of them by one range each, and cut here. */
  async orders(customerIds: readonly string[], first: number): Promise<PlainOrder[]> {
    const places = customerIds.map(() => '?').join(', ');
    const [rows] = await this.#pool.execute<RowDataPacket[]>(
      `SELECT id, customerId, placedAt, total, currency, status FROM purchase_order WHERE customerId IN (${places})`,
      [...customerIds],
    );
    const taken = new Map<string, number>();
    return (rows as PlainOrder[])
      .sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0))
      .filter(({ customerId }) => {
        const count = taken.get(customerId) ?? 0;
        taken.set(customerId, count + 1);
        return count < first;
      });
  }

  async fill(customers: readonly PlainCustomer[], orders: readonly PlainOrder[]): Promise<void> {
    await this.#pool.query('DROP TABLE IF EXISTS customer, purchase_order');
    await this.#pool.query(`CREATE TABLE customer (id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, firstName VARCHAR(200), lastName VARCHAR(200),
      email VARCHAR(320), phone VARCHAR(60), socialHandle VARCHAR(100), ipAddress VARCHAR(45), gender VARCHAR(40), residency VARCHAR(2), source VARCHAR(100),
      externalId VARCHAR(200), createdAt VARCHAR(30), INDEX (email)) CHARACTER SET utf8mb4`);
    await this.#pool.query(`CREATE TABLE purchase_order (id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin, customerId VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
      placedAt VARCHAR(30), total DECIMAL(19,4), currency VARCHAR(3), status VARCHAR(40), PRIMARY KEY (customerId, id)) CHARACTER SET utf8mb4`);
    for (let start = 0; start < customers.length; start += 500) {
      const rows = customers
        .slice(start, start + 500)
        .map((row) => columns.map((name) => row[name as keyof PlainCustomer]));
      await this.#pool.query(`INSERT INTO customer (${list(columns)}) VALUES ?`, [rows]);
    }
    for (let start = 0; start < orders.length; start += 500) {
      const rows = orders
        .slice(start, start + 500)
        .map((row) => [row.id, row.customerId, row.placedAt, row.total, row.currency, row.status]);
      await this.#pool.query(
        'INSERT INTO purchase_order (id, customerId, placedAt, total, currency, status) VALUES ?',
        [rows],
      );
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

const list = (fields: readonly string[]): string => fields.map((field) => `\`${field}\``).join(', ');
