import type { Preset } from './preset';

export const shopify: Preset = {
  product: 'Shopify',
  kinds: {
    customers: {
      export: 'Customers, all customers, plain CSV',
      fields: {
        externalId: ['Customer ID', 'Email'],
        firstName: ['First Name'],
        lastName: ['Last Name'],
        email: ['Email'],
        phone: ['Phone', 'Default Address Phone'],
        residency: ['Default Address Country Code', 'Country Code', 'Country'],
        'postalAddress.street': ['Default Address Address1', 'Address1'],
        'postalAddress.city': ['Default Address City', 'City'],
        'postalAddress.region': ['Default Address Province Code', 'Province Code', 'Province'],
        'postalAddress.postalCode': ['Default Address Zip', 'Zip'],
        'postalAddress.country': ['Default Address Country Code', 'Country Code', 'Country'],
        'attributes.company': ['Default Address Company', 'Company'],
        'attributes.accepts_email_marketing': ['Accepts Email Marketing', 'Accepts Marketing'],
        'attributes.tags': ['Tags'],
      },
    },
    orders: {
      export: 'Orders, all orders, plain CSV',
      fields: {
        externalId: ['Name'],
        customerEmail: ['Email'],
        placedAt: ['Created at'],
        currency: ['Currency'],
        total: ['Total'],
        status: ['Financial Status'],
      },
      note:
        'An order of several lines is one. It finds its customer by e-mail, which the export has in ' +
        'place of an id.',
    },
    'order-items': {
      export: 'Orders, the same file',
      fields: {
        externalId: [['Name', '#']],
        orderExternalId: ['Name'],
        name: ['Lineitem name'],
        quantity: ['Lineitem quantity'],
        unitPrice: ['Lineitem price'],
      },
      note: 'A line has no id there: it is known by its order and its place in it.',
    },
  },
};
