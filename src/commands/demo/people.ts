import type { CreateCustomerInput } from '../../subjects/customer-inputs';

/** An invented person. Addresses and numbers come from the ranges for examples (RFC 2606, RFC 5737). */
export interface Person {
  readonly client: 'alpine-clinic' | 'harbour-books';
  readonly customer: CreateCustomerInput;
  readonly order: { readonly placedAt: string; readonly name: string; readonly quantity: number; unitPrice: number };
  readonly conversation: { readonly subject: string; readonly question: string; readonly answer: string };
  readonly health?: { readonly recordedAt: string; readonly kind: string; readonly note: string };
}

/** A person at the clinic whose purchases and messages are under a legal hold. */
export const heldPerson = 'AC-1002';
/** A person at the clinic with an open erasure request. */
export const leavingPerson = 'AC-1003';

export const people: readonly Person[] = [
  {
    client: 'alpine-clinic',
    customer: {
      externalId: 'AC-1001',
      firstName: 'Marlene',
      lastName: 'Gruber',
      email: 'marlene.gruber@example.at',
      phone: '+43 1 5550 1842',
      socialHandle: '@marlene.g',
      ipAddress: '192.0.2.57',
      gender: 'female',
      postalAddress: { street: 'Getreidegasse 12', city: 'Salzburg', postalCode: '5020', country: 'AT' },
      residency: 'AT',
      attributes: [{ key: 'app.reminders', value: 'weekly' }],
    },
    order: { placedAt: '2026-03-14T09:26:00Z', name: 'Wrist support', quantity: 2, unitPrice: 34.5 },
    conversation: {
      subject: 'Appointment on Friday',
      question: 'May I come an hour later on Friday?',
      answer: 'You may: half past ten.',
    },
    health: { recordedAt: '2026-02-02T08:00:00Z', kind: 'Diagnosis', note: 'Fracture of the left wrist, healing well' },
  },
  {
    client: 'alpine-clinic',
    customer: {
      externalId: 'AC-1002',
      firstName: 'Jean-Luc',
      lastName: 'Moreau',
      email: 'jl.moreau@example.fr',
      phone: '+33 1 99 00 47 11',
      ipAddress: '198.51.100.24',
      gender: 'male',
      postalAddress: { street: '8 rue des Lilas', city: 'Annecy', postalCode: '74000', country: 'FR' },
      residency: 'FR',
      attributes: [{ key: 'app.reminders', value: 'off' }],
    },
    order: { placedAt: '2026-05-02T16:40:00Z', name: 'Knee brace', quantity: 1, unitPrice: 89 },
    conversation: { subject: 'Invoice', question: 'Could I have the invoice in French?', answer: 'It is attached.' },
    health: { recordedAt: '2026-04-21T10:30:00Z', kind: 'Allergy', note: 'Penicillin' },
  },
  {
    client: 'alpine-clinic',
    customer: {
      externalId: 'AC-1003',
      firstName: 'Vroni',
      lastName: 'Lechner',
      email: 'vroni.lechner@example.de',
      phone: '+49 30 5550 0137',
      ipAddress: '198.51.100.77',
      gender: 'female',
      postalAddress: { street: 'Am Anger 5', city: 'Freilassing', postalCode: '83395', country: 'DE' },
      residency: 'DE',
      attributes: [{ key: 'app.reminders', value: 'daily' }],
    },
    order: { placedAt: '2026-04-11T07:50:00Z', name: 'Elastic bandage', quantity: 4, unitPrice: 6.2 },
    conversation: { subject: 'Please delete my data', question: 'I no longer consent.', answer: 'It is under way.' },
  },
  {
    client: 'harbour-books',
    customer: {
      externalId: 'HB-77',
      firstName: 'Imogen',
      lastName: 'Hale',
      email: 'imogen.hale@example.co.uk',
      phone: '+44 20 7946 0123',
      socialHandle: '@imogenreads',
      ipAddress: '203.0.113.140',
      gender: 'female',
      postalAddress: { street: '3 Quay Street', city: 'Bristol', postalCode: 'BS1 4DJ', country: 'GB' },
      residency: 'GB',
      attributes: [{ key: 'newsletter', value: 'crime' }],
    },
    order: { placedAt: '2026-06-19T11:05:00Z', name: 'The Moonstone', quantity: 1, unitPrice: 9.99 },
    conversation: {
      subject: 'Late parcel',
      question: 'My parcel has not come yet.',
      answer: 'It left the harbour on Monday.',
    },
    // Without a HIPAA agreement nobody can read this record.
    health: { recordedAt: '2026-01-09T09:00:00Z', kind: 'Note', note: 'Needs large print' },
  },
  {
    client: 'harbour-books',
    customer: {
      externalId: 'HB-78',
      firstName: 'Tomasz',
      lastName: 'Zieliński',
      email: 'tomasz.z@example.pl',
      phone: '+48 22 555 01 90',
      ipAddress: '203.0.113.9',
      gender: 'male',
      postalAddress: { street: 'ul. Długa 4', city: 'Gdańsk', postalCode: '80-827', country: 'PL' },
      residency: 'PL',
      attributes: [{ key: 'newsletter', value: 'history' }],
    },
    order: { placedAt: '2026-07-01T18:15:00Z', name: 'Solaris', quantity: 3, unitPrice: 12.5 },
    conversation: { subject: 'Gift wrapping', question: 'Can the three be wrapped apart?', answer: 'Gladly.' },
  },
];
