/** What every server is asked, by GraphQL or by the floor's paths, and what is compared. */
export interface Work {
  readonly name: string;
  readonly document: string;
  /** Path of the hand-written handler that answers the same. */
  readonly floorPath: string;
  readonly variables?: Record<string, unknown>;
}

/** The page that ratios are stated for. */
export const PAGE_NAME = '50 customers x 5 orders';
export const BY_ID_NAME = 'one customer by id';
export const WIDE_NAME = '200 customers x 12 fields';
export const LOOK_UP_NAME = 'look-up by e-mail';

const page = `query Page { customers(first: 50) { nodes { id firstName lastName email residency orders(first: 5) { nodes { id placedAt total currency status } } } } }`;
const wide = `query Wide { customers(first: 200) { nodes { id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt } } }`;
const byId = `query One($id: ID!) { customer(id: $id) { id firstName lastName email residency createdAt } }`;
const byEmail = `query Lookup($by: CustomerLookup!) { customerLookup(by: $by) { id firstName lastName email residency createdAt } }`;

/** The standard works, about one customer of the data set. */
export function worksFor(sample: { id: string; email: string }): readonly Work[] {
  return [
    { name: BY_ID_NAME, document: byId, floorPath: `/one?id=${sample.id}`, variables: { id: sample.id } },
    { name: PAGE_NAME, document: page, floorPath: '/page' },
    { name: WIDE_NAME, document: wide, floorPath: '/wide' },
    {
      name: LOOK_UP_NAME,
      document: byEmail,
      floorPath: `/lookup?email=${encodeURIComponent(sample.email)}`,
      variables: { by: { email: sample.email } },
    },
  ];
}

/** A page of which one purpose reads everything, and another half of the fields. Only Remit has purposes. */
export interface Variant {
  readonly name: string;
  readonly document: string;
  /** The purpose that reads half; SERVICE_DELIVERY reads all. */
  readonly purpose: string;
  /** Governed fields that the document selects, and how many of them the purpose withholds or de-identifies. */
  readonly fields: number;
  readonly withheld: number;
  readonly deidentified: number;
}

/** Of both pages every list is read: a list is withheld whole where the purpose reads nothing of its rows. */
export const variants: readonly Variant[] = [
  {
    name: 'half withheld',
    document:
      'query Half { customers(first: 50) { nodes { firstName lastName gender residency orders(first: 5) { nodes { currency status } } } } }',
    purpose: 'IMPROVEMENT',
    fields: 6,
    withheld: 3,
    deidentified: 0,
  },
  {
    name: 'half de-identified',
    document:
      'query Disguised { customers(first: 50) { nodes { id email residency orders(first: 5) { nodes { total currency status } } } } }',
    purpose: 'IMPROVEMENT',
    fields: 6,
    withheld: 0,
    deidentified: 3,
  },
];
