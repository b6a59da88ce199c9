// A small clinic: its schema, its rows, and who may ask. The three programs beside this file serve it.
import { govern, governanceTypeDefs } from '@remit/governance';
import { buildSchema } from 'graphql';

export const schema = buildSchema(`${governanceTypeDefs}
  type Query { patients: [Patient!] @personalRows }
  type Subscription { admitted: Patient @personalRows }
  type Patient {
    id: ID @personalData(category: ONLINE_IDENTIFIER) @purposes(allow: [SUPPORT])
      @deidentify(for: [IMPROVEMENT], by: PSEUDONYM)
    name: String @personalData(category: NAME) @purposes(allow: [SUPPORT])
    born: String @personalData(category: DEMOGRAPHIC) @purposes(allow: [SUPPORT])
      @deidentify(for: [IMPROVEMENT], by: GENERALIZE)
  }
`);

const patients = [
  { id: '1', name: 'Ada', born: '1815-12-10' },
  { id: '2', name: 'Grace', born: '1906-12-09' },
];
schema.getQueryType().getFields().patients.resolve = () => patients;
schema.getSubscriptionType().getFields().admitted.subscribe = async function* () {
  for (const admitted of patients) yield { admitted };
};

// The same secret on every replica: at least 32 random bytes, from wherever the service keeps its secrets.
const pseudonymKey = Buffer.from(process.env.PSEUDONYM_KEY ?? 'an example: 32 bytes that are no secret at all');

export const governed = govern(schema, { pseudonymKey });

/**
 * Who asks, and for what. A service reads this from a token that it has verified, and from its own grants.
 * @param {Headers} headers
 */
export function accessOf(headers) {
  const principal = headers.get('authorization')?.replace(/^Bearer /, '');
  const purpose = headers.get('processing-purpose') ?? undefined;
  return { principal, purpose, grantedPurposes: ['SUPPORT', 'IMPROVEMENT'] };
}
