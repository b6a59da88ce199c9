import { buildSchema, GraphQLError } from 'graphql';
import type { AccessFacts } from '../../src/audit/recording/access-recorder';
import { Executions } from '../../src/gateway/executions';
import { defaultServerLimits } from '../../src/gateway/limits';
import { createLogger } from '../../src/gateway/logging';
import { Road } from '../../src/gateway/road';
import { digestOf, SharedAnswers, type ToldEvent } from '../../src/gateway/shared-answers';
import { type Access, type Governed, govern, governanceTypeDefs } from '../../src/governance/govern';
import type { TokenClaims } from '../../src/identity/caller';
import type { RequestContext } from '../../src/identity/request-context';

const typeDefs = `${governanceTypeDefs}
  type Query { nothing: String }
  type Subscription { changed(as: String @nonPersonal(because: "made for this test")): Customer @personalRows }
  type Customer {
    label: String @nonPersonal(because: "made for this test")
    cursor: String @nonPersonal(because: "made for this test")
    principal: String @nonPersonal(because: "made for this test")
    tenants: String @nonPersonal(because: "made for this test")
    email: String @personalData(category: CONTACT) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: PARTIAL)
  }`;

interface Row {
  readonly label: string;
}

let executions = 0;
let unauditable: string | undefined;
const entries: AccessFacts[] = [];
/** Purposes that are granted besides what tokens say. */
const grants = new Map<string, readonly string[]>();
const api = governed();
const other = governed();

function governed(): Governed {
  const schema = buildSchema(typeDefs);
  const fieldsOf = (type: string) => (schema.getType(type) as import('graphql').GraphQLObjectType).getFields();
  const { changed } = fieldsOf('Subscription');
  const { label, cursor, principal, tenants, email } = fieldsOf('Customer');
  if (!changed || !label || !cursor || !principal || !tenants || !email) throw new Error('no such field');
  changed.resolve = (row, given) => {
    executions++;
    return { ...(row as Row), as: given.as as string };
  };
  label.resolve = ({ label, as = '' }: Row & { as?: string }) => `${label}${as}`;
  // As cursors are sealed: for one principal.
  cursor.resolve = (_row, _given, { claims }: RequestContext) => `sealed for ${claims.subject}`;
  principal.resolve = (_row, _given, context: RequestContext) => context.accessFor('SUPPORT').principal;
  tenants.resolve = (_row, _given, { claims }: RequestContext) =>
    Object.keys({ ...claims })
      .sort()
      .join();
  email.resolve = () => 'ada@example.org';
  return govern(schema, {
    contextWith: (context, decision): RequestContext => ({ ...(context as RequestContext), decision }),
  });
}

function contextOf(claims: TokenClaims, purpose: string | undefined): RequestContext {
  const accessFor = (wanted: string | undefined): Access => ({
    principal: claims.subject || undefined,
    purpose: wanted,
    forPurpose: accessFor,
    grantedPurposes: grants.get(claims.subject) ?? claims.purposes,
    row: (row) => {
      notes.subjects.add({ subject: (row as Row).label } as never);
      return undefined;
    },
  });
  const { subject, ...others } = claims;
  const notes: RequestContext['notes'] = { subjects: new Set(), transferBases: new Set() };
  const client = { id: claims.tenant ?? '', slug: claims.tenant ?? '' };
  const alike = JSON.stringify(others);
  return {
    ...{ claims, client, country: claims.country, access: accessFor(purpose), accessFor, alike },
    ...{ notes, memory: new Map() },
  };
}

const verified = new Map<string, TokenClaims>();

/** A token that comes again gives the same claims, as they are the same object where a verifier remembers it. */
function claimsIn(token: string): TokenClaims {
  const claims = verified.get(token) ?? (JSON.parse(Buffer.from(token, 'base64url').toString()) as TokenClaims);
  verified.set(token, claims);
  return claims;
}

const road = new Road(
  {
    contracts: { api, 'client-app': other, partner: other },
    contractOf: ({ roles }) => (roles.includes('CLIENT_APP') ? 'client-app' : 'api'),
    verifier: { verify: async (token) => claimsIn(token) },
    contextFor: async (claims, purpose) => contextOf(claims, purpose),
    audit: {
      begin: () => () => undefined,
      record: async (facts) => {
        if (facts.claims?.subject === unauditable) {
          throw new GraphQLError('not now', { extensions: { code: 'AUDIT_UNAVAILABLE' } });
        }
        entries.push(facts);
      },
    },
    logger: createLogger({ level: 'silent' }),
  },
  new Executions(defaultServerLimits),
);
const logged: string[] = [];
const shared = new SharedAnswers(road, ({ auditId }) => void logged.push(auditId));

const mara: TokenClaims = {
  subject: 'mara',
  tenant: 'acme',
  roles: ['CLIENT_AGENT'],
  scopes: ['crm'],
  purposes: ['SUPPORT', 'IMPROVEMENT'],
  country: 'DE',
};

interface Subscriber {
  readonly claims?: Partial<TokenClaims>;
  readonly purpose?: string;
  readonly query?: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly event?: object;
}

interface Answer {
  readonly data: { readonly changed: Record<string, unknown> | null } | null;
  readonly errors?: ReadonlyArray<{ readonly extensions: { readonly code: string } }>;
  readonly extensions: { readonly governance: { readonly auditId: string } };
}

const ada = { label: 'Ada' };
const labels = 'subscription ($as: String) { changed(as: $as) { label email } }';

/** Tells subscribers of an event, all in one round. @returns what each is sent */
async function tell(...subscribers: Subscriber[]): Promise<Answer[]> {
  executions = 0;
  entries.length = 0;
  logged.length = 0;
  const answers: Array<Promise<Answer>> = [];
  const round = subscribers.map((subscriber): ToldEvent => {
    const { claims, purpose = 'SUPPORT', query = labels, operationName, variables, event = ada } = subscriber;
    const token = Buffer.from(JSON.stringify({ ...mara, ...claims })).toString('base64url');
    const serving = claims?.roles?.includes('CLIENT_APP') ? other : api;
    const plan = serving.plan(query, operationName, contextOf({ ...mara, ...claims }, purpose).access);
    if (!('decide' in plan)) throw new Error(JSON.stringify(plan));
    return {
      ...{ client: 'acme', socket: {}, credentials: { authorization: `Bearer ${token}`, purpose }, plan, event },
      operation: { document: query, operationName, variableValues: variables },
      variables: digestOf(variables),
      ...settling(answers),
    };
  });
  await shared.answer(round);
  return Promise.all(answers);
}

function settling(answers: Array<Promise<Answer>>): Pick<ToldEvent, 'answered' | 'fail'> {
  let settle: Pick<ToldEvent, 'answered' | 'fail'> | undefined;
  answers.push(
    new Promise<Answer>((resolve, fail) => {
      settle = { answered: (_result, payload) => resolve(JSON.parse(payload) as Answer), fail };
    }),
  );
  if (!settle) throw new Error('a promise begins at once');
  return settle;
}

const principals = () => entries.map(({ claims }) => claims?.subject);

test('who is alike shares an execution, and each has an entry, a log line and an id of its own', async () => {
  const people = ['mara', 'nils', 'olga', 'nils'];
  const answers = await tell(...people.map((subject) => ({ claims: { subject } })));
  expect(executions).toBe(1);
  for (const { data } of answers) expect(data).toEqual({ changed: { label: 'Ada', email: 'ada@example.org' } });
  const ids = answers.map(({ extensions }) => extensions.governance.auditId);
  expect(new Set(ids).size).toBe(4);
  expect([...logged].sort()).toEqual([...ids].sort());
  expect(principals().sort()).toEqual([...people].sort());
  for (const { id, context, claims, decision, outcome } of entries) {
    const index = ids.indexOf(id);
    expect([claims?.subject, context?.claims.subject]).toEqual([people[index], people[index]]);
    expect([...(context?.notes.subjects ?? [])]).toContainEqual({ subject: 'Ada' });
    expect(decision?.verdicts.some(Boolean)).toBe(true);
    expect(outcome).toBe('ANSWERED');
  }
});

const twoOperations = 'subscription A { changed(as: "a") { label } } subscription B { changed(as: "b") { label } }';

const differences: Array<[what: string, one: Subscriber, other: Subscriber, labels: [string, string]]> = [
  ['the event', {}, { event: { label: 'Bob' } }, ['Ada', 'Bob']],
  ['an equal event that is another one', {}, { event: { label: 'Ada' } }, ['Ada', 'Ada']],
  ['the document', {}, { query: 'subscription { changed(as: "!") { label } }' }, ['Ada', 'Ada!']],
  [
    'the operation of the document',
    { query: twoOperations, operationName: 'A' },
    { query: twoOperations, operationName: 'B' },
    ['Adaa', 'Adab'],
  ],
  ['a variable', { variables: { as: '1' } }, { variables: { as: '2' } }, ['Ada1', 'Ada2']],
  ['a variable that is null', { variables: { as: null } }, { variables: { as: 'null' } }, ['Adanull', 'Adanull']],
  ['the purpose', {}, { purpose: 'IMPROVEMENT' }, ['Ada', 'Ada']],
  ['the client', {}, { claims: { subject: 'nils', tenant: 'globex' } }, ['Ada', 'Ada']],
  ['the country', {}, { claims: { subject: 'nils', country: 'US' } }, ['Ada', 'Ada']],
  ['no country', {}, { claims: { subject: 'nils', country: undefined } }, ['Ada', 'Ada']],
  ['the role', {}, { claims: { subject: 'nils', roles: ['CLIENT_ADMIN'] } }, ['Ada', 'Ada']],
  ['the contract', {}, { claims: { subject: 'nils', roles: ['CLIENT_APP'] } }, ['Ada', 'Ada']],
  ['the scopes', {}, { claims: { subject: 'nils', scopes: [] } }, ['Ada', 'Ada']],
  ['the purposes of the token', {}, { claims: { subject: 'nils', purposes: ['SUPPORT'] } }, ['Ada', 'Ada']],
];

test.each(differences)('pitfall 18: %s keeps answers apart', async (_what, one, second, expected) => {
  const answers = await tell(one, second, one, second);
  expect(executions).toBe(2);
  const given = answers.map(({ data }) => data?.changed?.label);
  expect(given).toEqual([...expected, ...expected]);
  expect(entries).toHaveLength(4);
});

test('pitfall 18: a purpose is given what is given for it', async () => {
  const answers = await tell(
    {},
    { claims: { subject: 'nils' }, purpose: 'IMPROVEMENT' },
    { claims: { subject: 'olga' } },
  );
  const [clear, masked] = answers.map(({ data }) => data?.changed?.email);
  expect(clear).toBe('ada@example.org');
  expect(masked).not.toContain('ada@');
  expect(answers[2]?.data).toEqual(answers[0]?.data);
});

test('pitfall 16: a right that one has lost ends it for that one, and for nobody else', async () => {
  grants.set('nils', []);
  const answers = await tell({}, { claims: { subject: 'nils' } }, { claims: { subject: 'olga' } });
  grants.clear();
  expect(answers.map(({ errors }) => errors?.[0]?.extensions.code)).toEqual([
    undefined,
    'PURPOSE_NOT_GRANTED',
    undefined,
  ]);
  expect(answers[1]?.data).toBeNull();
  expect(JSON.stringify(answers[1])).not.toContain('ada@');
  expect(entries.find(({ claims }) => claims?.subject === 'nils')).toMatchObject({ outcome: 'REFUSED' });
});

test.each([
  ['the principal of the token', 'cursor', (who: string) => `sealed for ${who}`],
  ['the principal of an access', 'principal', (who: string) => who],
  ['all claims', 'tenants', () => Object.keys(mara).sort().join()],
])('pitfall 18: an answer that looks at %s is for that principal alone', async (_what, field, expected) => {
  const query = `subscription { changed { ${field} } }`;
  const people = ['mara', 'nils', 'mara', 'olga'];
  // What the first round found out the second one knows.
  for (let round = 0; round < 2; round++) {
    const answers = await tell(...people.map((subject) => ({ claims: { subject }, query })));
    expect(answers.map(({ data }) => data?.changed?.[field])).toEqual(people.map(expected));
    expect(executions).toBe(3);
    expect(principals().sort()).toEqual([...people].sort());
  }
});

test('what cannot be audited is kept from that one alone', async () => {
  unauditable = 'nils';
  const answers = await tell({}, { claims: { subject: 'nils' } }, { claims: { subject: 'olga' } });
  unauditable = undefined;
  expect(answers.map(({ data, errors }) => [data?.changed?.label, errors?.[0]?.extensions.code])).toEqual([
    ['Ada', undefined],
    [undefined, 'AUDIT_UNAVAILABLE'],
    ['Ada', undefined],
  ]);
});

test('variables are told apart exactly', () => {
  const variables = [
    {},
    { n: null },
    { n: Number.POSITIVE_INFINITY },
    { n: Number.NaN },
    { n: 0 },
    { n: '0' },
    { n: [0] },
    { n: { 0: 0 } },
    { m: 0 },
    { n: 0, m: 0 },
  ];
  expect(new Set(variables.map((each) => digestOf(each))).size).toBe(variables.length);
  expect(digestOf(undefined)).toBe(digestOf(null));
  expect(digestOf({ n: [1, 'a'] })).toBe(digestOf({ n: [1, 'a'] }));
});
