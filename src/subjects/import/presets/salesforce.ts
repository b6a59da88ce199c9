import type { Preset } from './preset';

export const salesforce: Preset = {
  product: 'Salesforce',
  kinds: {
    customers: {
      export: 'Contact.csv of the data export, or of Data Loader',
      fields: {
        externalId: ['Id', 'ID', 'Contact ID'],
        firstName: ['FirstName', 'First Name'],
        lastName: ['LastName', 'Last Name'],
        email: ['Email'],
        phone: ['Phone', 'MobilePhone', 'HomePhone'],
        residency: ['MailingCountryCode', 'MailingCountry', 'Mailing Country'],
        'postalAddress.street': ['MailingStreet', 'Mailing Street'],
        'postalAddress.city': ['MailingCity', 'Mailing City'],
        'postalAddress.region': ['MailingState', 'MailingStateCode', 'Mailing State/Province'],
        'postalAddress.postalCode': ['MailingPostalCode', 'Mailing Zip/Postal Code'],
        'postalAddress.country': ['MailingCountryCode', 'MailingCountry', 'Mailing Country'],
        gender: ['GenderIdentity'],
        createdAt: ['CreatedDate'],
        'attributes.title': ['Title'],
        'attributes.department': ['Department'],
        'attributes.lead_source': ['LeadSource', 'Lead Source'],
      },
    },
    orders: {
      export: 'Order.csv',
      fields: {
        externalId: ['Id', 'ID'],
        customerExternalId: ['BillToContactId', 'ShipToContactId', 'CustomerAuthorizedById'],
        placedAt: ['EffectiveDate', 'OrderedDate', 'CreatedDate'],
        currency: ['CurrencyIsoCode'],
        total: ['TotalAmount'],
        status: ['Status'],
      },
    },
    'order-items': {
      export: 'OrderItem.csv',
      fields: {
        externalId: ['Id', 'ID'],
        orderExternalId: ['OrderId'],
        name: ['Product2.Name', 'Description', 'Product2Id'],
        quantity: ['Quantity'],
        unitPrice: ['UnitPrice'],
      },
    },
    conversations: {
      export: 'Case.csv',
      fields: {
        externalId: ['Id', 'ID'],
        customerExternalId: ['ContactId'],
        subject: ['Subject'],
        channel: ['Origin'],
      },
    },
    messages: {
      export: 'Case.csv, the same file',
      fields: {
        externalId: ['Id', 'ID'],
        conversationExternalId: ['Id', 'ID'],
        body: ['Description'],
        sentAt: ['CreatedDate'],
        direction: [{ value: 'INBOUND' }],
      },
    },
  },
};
