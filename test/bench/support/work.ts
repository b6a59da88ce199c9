/** What every server is asked, by GraphQL or by the floor's paths, and what is compared. */
export interface Work {
  readonly name: string;
  readonly document: string;
  /** Path of the hand-written handler that answers the same. */
  readonly floorPath: string;
  readonly variables?: Record<string, unknown>;
}

const page = `query Page { customers(first: 50) { nodes { id firstName lastName email residency orders(first: 5) { nodes { id placedAt total currency status } } } } }`;
const wide = `query Wide { customers(first: 200) { nodes { id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt } } }`;
const byId = `query One($id: ID!) { customer(id: $id) { id firstName lastName email residency createdAt } }`;
const byEmail = `query Lookup($by: CustomerLookup!) { customerLookup(by: $by) { id firstName lastName email residency createdAt } }`;

/** The standard works, about one customer of the data set. */
export function worksFor(sample: { id: string; email: string }): readonly Work[] {
  return [
    { name: 'one customer by id', document: byId, floorPath: `/one?id=${sample.id}`, variables: { id: sample.id } },
    { name: '50 customers x 5 orders', document: page, floorPath: '/page' },
    { name: '200 customers x 12 fields', document: wide, floorPath: '/wide' },
    {
      name: 'look-up by e-mail',
      document: byEmail,
      floorPath: `/lookup?email=${encodeURIComponent(sample.email)}`,
      variables: { by: { email: sample.email } },
    },
  ];
}

export const PAGE = 1;
