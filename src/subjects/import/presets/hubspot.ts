import type { Preset } from './preset';

const contactOf = ['Associated Contact IDs', 'Associated Contact ID', 'Associated contact IDs'];
const ticket = ['Ticket ID', 'Record ID', 'Record ID - Ticket'];

export const hubspot: Preset = {
  product: 'HubSpot',
  kinds: {
    customers: {
      export: 'Contacts, all properties, CSV',
      fields: {
        externalId: ['Record ID', 'Record ID - Contact', 'Contact ID'],
        firstName: ['First Name'],
        lastName: ['Last Name'],
        email: ['Email'],
        phone: ['Phone Number', 'Mobile Phone Number'],
        residency: ['Country/Region', 'Country'],
        'postalAddress.street': ['Street Address'],
        'postalAddress.city': ['City'],
        'postalAddress.region': ['State/Region'],
        'postalAddress.postalCode': ['Postal Code'],
        'postalAddress.country': ['Country/Region', 'Country'],
        gender: ['Gender'],
        ipAddress: ['IP Address'],
        createdAt: ['Create Date'],
        'attributes.company': ['Company Name', 'Company name'],
        'attributes.job_title': ['Job Title'],
        'attributes.lifecycle_stage': ['Lifecycle Stage'],
        'attributes.lead_status': ['Lead Status'],
      },
    },
    orders: {
      export: 'Deals, all properties and associations, CSV',
      fields: {
        externalId: ['Deal ID', 'Record ID', 'Record ID - Deal'],
        customerExternalId: contactOf,
        placedAt: ['Close Date', 'Create Date'],
        currency: ['Currency'],
        total: ['Amount'],
        status: ['Deal Stage'],
      },
      note: 'A deal of several contacts is rejected: whose it is is not certain.',
    },
    conversations: {
      export: 'Tickets, all properties and associations, CSV',
      fields: {
        externalId: ticket,
        customerExternalId: contactOf,
        subject: ['Ticket name', 'Ticket Name'],
        channel: ['Source'],
      },
    },
    messages: {
      export: 'Tickets, the same file',
      fields: {
        externalId: ticket,
        conversationExternalId: ticket,
        body: ['Ticket description', 'Ticket Description'],
        sentAt: ['Create date', 'Create Date'],
        direction: [{ value: 'INBOUND' }],
      },
    },
  },
};
