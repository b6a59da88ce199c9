import type { Preset } from './preset';

export const zendesk: Preset = {
  product: 'Zendesk',
  kinds: {
    customers: {
      export: 'users of the JSON export, a user a line',
      only: { column: 'role', is: ['end-user'] },
      fields: {
        externalId: ['id'],
        firstName: ['name'],
        email: ['email'],
        phone: ['phone'],
        residency: ['user_fields.country', 'user_fields.country_code'],
        createdAt: ['created_at'],
        'attributes.locale': ['locale'],
        'attributes.time_zone': ['iana_time_zone', 'time_zone'],
      },
      note: 'A name is one there, and goes to firstName whole. Agents are left out.',
    },
    conversations: {
      export: 'tickets of the JSON export, a ticket a line',
      fields: {
        externalId: ['id'],
        customerExternalId: ['requester_id'],
        subject: ['subject', 'raw_subject'],
        channel: ['via.channel'],
      },
    },
    messages: {
      export: 'tickets, the same file: what each began with',
      fields: {
        externalId: ['id'],
        conversationExternalId: ['id'],
        body: ['description'],
        sentAt: ['created_at'],
        direction: [{ value: 'INBOUND' }],
      },
    },
  },
};
