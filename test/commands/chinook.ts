import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Our fields → the columns of the Chinook export. */
export const chinookMaps = {
  customers: {
    externalId: 'CustomerId',
    firstName: 'FirstName',
    lastName: 'LastName',
    email: 'Email',
    phone: 'Phone',
    residency: 'Country',
    'postalAddress.street': 'Address',
    'postalAddress.city': 'City',
    'postalAddress.region': 'State',
    'postalAddress.postalCode': 'PostalCode',
    'postalAddress.country': 'Country',
    'attributes.company': 'Company',
  },
  orders: { externalId: 'InvoiceId', customerExternalId: 'CustomerId', placedAt: 'InvoiceDate', total: 'Total' },
  items: {
    externalId: 'InvoiceLineId',
    orderExternalId: 'InvoiceId',
    name: 'TrackName',
    quantity: 'Quantity',
    unitPrice: 'UnitPrice',
  },
};

const folder = join(__dirname, '../../../shared/data/chinook');

/** The Chinook export beside the checkout. Its absence is said aloud, and an error under CI. */
export function chinook(): { customers: string; invoices: string; lines: string } | undefined {
  const files = {
    customers: join(folder, 'customers.csv'),
    invoices: join(folder, 'invoices.csv'),
    lines: join(folder, 'invoice-lines.csv'),
  };
  if (Object.values(files).every((file) => existsSync(file))) return files;
  const message = 'The Chinook export was not found at ../shared/data/chinook: its import is LEFT OUT.';
  if (process.env.CI === 'true') throw new Error(`${message} With CI=true it must be there.`);
  process.stderr.write(`\n*** WARNING: ${message} ***\n`);
  return undefined;
}
