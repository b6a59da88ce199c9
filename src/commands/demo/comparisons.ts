import type { Comparison } from './comparison';

/** Fields of a customer that every contract has. */
export const customerComparison: Comparison = {
  title: 'The same query, asked by six callers of one client',
  query: `query Customer {
  customers(first: 1) {
    nodes {
      id
      firstName
      email
      residency
      postalAddress { city postalCode }
      orders(first: 1) { nodes { placedAt total items { name } } }
      conversations(first: 1) { nodes { subject } }
      attributes { value }
    }
  }
}
`,
  fields: [
    { label: 'id', path: ['id'], coordinates: ['Customer.id'] },
    { label: 'firstName', path: ['firstName'], coordinates: ['Customer.firstName'] },
    { label: 'email', path: ['email'], coordinates: ['Customer.email'] },
    { label: 'residency', path: ['residency'], coordinates: ['Customer.residency'] },
    {
      label: 'city',
      path: ['postalAddress', 'city'],
      coordinates: ['Customer.postalAddress', 'PostalAddress.city'],
    },
    {
      label: 'postalCode',
      path: ['postalAddress', 'postalCode'],
      coordinates: ['Customer.postalAddress', 'PostalAddress.postalCode'],
    },
    {
      label: 'order placed',
      path: ['orders', 'nodes', 'placedAt'],
      coordinates: ['Customer.orders', 'Order.placedAt'],
    },
    { label: 'order total', path: ['orders', 'nodes', 'total'], coordinates: ['Customer.orders', 'Order.total'] },
    {
      label: 'item bought',
      path: ['orders', 'nodes', 'items', 'name'],
      coordinates: ['Customer.orders', 'Order.items', 'OrderItem.name'],
    },
    {
      label: 'mail subject',
      path: ['conversations', 'nodes', 'subject'],
      coordinates: ['Customer.conversations', 'Conversation.subject'],
    },
    { label: 'app use', path: ['attributes', 'value'], coordinates: ['Customer.attributes', 'CustomAttribute.value'] },
  ],
};

/** The most sensitive fields. The partners' contract has none of them. */
export const healthComparison: Comparison = {
  title: 'Health data, at a client with a HIPAA agreement and at one without',
  query: `query Health {
  customers(first: 1) {
    nodes {
      gender
      ipAddress
      healthRecords(first: 1) { nodes { kind note } }
    }
  }
}
`,
  fields: [
    { label: 'gender', path: ['gender'], coordinates: ['Customer.gender'] },
    { label: 'ipAddress', path: ['ipAddress'], coordinates: ['Customer.ipAddress'] },
    {
      label: 'health kind',
      path: ['healthRecords', 'nodes', 'kind'],
      coordinates: ['Customer.healthRecords', 'HealthRecord.kind'],
    },
    {
      label: 'health note',
      path: ['healthRecords', 'nodes', 'note'],
      coordinates: ['Customer.healthRecords', 'HealthRecord.note'],
    },
  ],
};
