import type { Preset } from './preset';

export const chinook: Preset = {
  product: 'the Chinook sample database',
  kinds: {
    customers: {
      export: 'customers.csv',
      fields: {
        externalId: ['CustomerId'],
        firstName: ['FirstName'],
        lastName: ['LastName'],
        email: ['Email'],
        phone: ['Phone'],
        residency: ['Country'],
        'postalAddress.street': ['Address'],
        'postalAddress.city': ['City'],
        'postalAddress.region': ['State'],
        'postalAddress.postalCode': ['PostalCode'],
        'postalAddress.country': ['Country'],
        'attributes.company': ['Company'],
      },
    },
    orders: {
      export: 'invoices.csv',
      fields: {
        externalId: ['InvoiceId'],
        customerExternalId: ['CustomerId'],
        placedAt: ['InvoiceDate'],
        total: ['Total'],
      },
    },
    'order-items': {
      export: 'invoice-lines.csv',
      fields: {
        externalId: ['InvoiceLineId'],
        orderExternalId: ['InvoiceId'],
        name: ['TrackName', 'Name'],
        quantity: ['Quantity'],
        unitPrice: ['UnitPrice'],
      },
    },
  },
};
