import { buildSchema } from 'graphql';
import { type Access, govern, governanceTypeDefs, SchemaPolicyError } from '../../src/governance/govern';
import { errorsOf, plainData, pseudonymKey } from './pitfall-schema';

const every = '[SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT]';
const name = '@personalData(category: NAME) @purposes(allow: [SUPPORT])';
const person = `type Person { name: String ${name} }`;

function faultsOf(typeDefs: string): readonly string[] {
  try {
    govern(buildSchema(`${governanceTypeDefs}\n${typeDefs}`), { pseudonymKey });
    return [];
  } catch (error) {
    if (error instanceof SchemaPolicyError) return error.faults;
    throw error;
  }
}

test.each([
  ['an object', 'type Query { me: Person }', 'Query.me'],
  ['a list', 'type Query { people: [Person!]! }', 'Query.people'],
  ['a list of lists', 'type Query { groups: [[Person]] }', 'Query.groups'],
  ['a connection', 'type Query { people: C } type C { total: Int nodes: [Person] }', 'Query.people > C.nodes'],
  [
    'its edges',
    'type Query { people: C } type C { edges: [E] } type E { node: Person }',
    'Query.people > C.edges > E.node',
  ],
  ['a page of any name', 'type Query { people: P } type P { results: [Person] }', 'Query.people > P.results'],
  ['a union', 'type Query { found: [U] } union U = Thing | Person type Thing { x: Int }', 'Query.found'],
  [
    'an interface',
    'type Query { found: I } interface I { x: Int } type T implements I { x: Int of: Person }',
    'Query.found > T.of',
  ],
  ['a payload', 'type Query { x: Int } type Mutation { make: P } type P { made: Person }', 'Mutation.make > P.made'],
  ['an event', 'type Query { x: Int } type Subscription { changed: Person }', 'Subscription.changed'],
  [
    'a field below what is nobody’s',
    'type Query { shop: Shop } type Shop { buyers: [Person] }',
    'Query.shop > Shop.buyers',
  ],
  ['a field that only asks for a scope', 'type Query { me: Person @requiresScopes(scopes: [["s"]]) }', 'Query.me'],
])('attack S4: refuses to start where people are reached ungoverned, by %s', (_, typeDefs, way) => {
  const remedy = way.includes('>') ? 'add @personalRows to a field on the way' : 'add @personalRows';
  expect(faultsOf(`${person} ${typeDefs}`)).toEqual([`${way}: it gives rows of Person ungoverned; ${remedy}`]);
});

test.each([
  [
    'the way in',
    'type Query { people: C @personalRows } type C { nodes: [Person] edges: [E] } type E { node: Person }',
  ],
  [
    'a field on the way',
    'type Query { shop: Shop name: String } type Shop { name: String buyers: [Person] @personalRows }',
  ],
  ['its own rule', `type Query { me: Person ${name} }`],
  ['nothing that reaches it', 'type Query { x: Int } type Orphan { person: Person }'],
])('starts: people reached through %s', (_, typeDefs) => {
  expect(faultsOf(`${person} ${typeDefs}`)).toEqual([]);
});

test.each([
  [
    'rows within a row',
    `type Person { name: String ${name} orders: [Order] } type Order { total: Int ${name} }`,
    ['Person.orders: it gives rows of Order ungoverned; add @personalRows'],
  ],
  [
    'rows within a row, said to be nobody’s',
    `type Person { name: String ${name} orders: C @nonPersonal(because: "x") } type C { nodes: [Order] } type Order { total: Int ${name} }`,
    ['Person.orders: it gives rows of Order ungoverned; add @personalRows'],
  ],
  [
    'an object that nothing is said of',
    `type Person { name: String ${name} address: Address } type Address { street: String }`,
    ['Person.address: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)'],
  ],
  [
    'rows that may not be null',
    `type Person { name: String ${name} orders: [Order!]! @personalRows } type Order { total: Int ${name} }`,
    ['Person.orders: it is non-null, but @personalRows may withhold it; make the field nullable'],
  ],
  [
    'rows of nobody',
    `type Person { name: String ${name} shop: Shop @personalRows } type Shop { name: String }`,
    ['Person.shop: @personalRows stands on a field that leads to no personal data; remove it'],
  ],
  [
    'rows that are not personal',
    `type Person { name: String ${name} orders: [Order] @personalRows @nonPersonal(because: "x") } type Order { total: Int ${name} }`,
    ['Person.orders: @nonPersonal contradicts @personalRows; keep one'],
  ],
  [
    'purposes of rows',
    `type Person { name: String ${name} orders: [Order] @personalRows @purposes(allow: [LEGAL]) } type Order { total: Int ${name} }`,
    ['Person.orders: @purposes stands without @personalData; add @personalData(category: …) or remove it'],
  ],
  [
    'an implementer that lost it',
    `interface Has { orders: [Order] @personalRows } type Person implements Has { name: String ${name} orders: [Order] } type Order { total: Int ${name} }`,
    [
      "Person.orders: weaker than Has.orders: it carries no directive of its own; repeat the interface's directives",
      'Person.orders: it gives rows of Order ungoverned; add @personalRows',
    ],
  ],
])('refuses to start: %s', (_, typeDefs, faults) => {
  expect(faultsOf(`${typeDefs} type Query { me: Person @personalRows }`)).toEqual(faults);
});

const schema = buildSchema(`${governanceTypeDefs}
  type Person {
    id: ID! @personalData(category: ONLINE_IDENTIFIER) @purposes(allow: [SUPPORT]) @deidentify(for: [SERVICE_DELIVERY, SECURITY, LEGAL, IMPROVEMENT], by: PSEUDONYM)
    address: String @personalData(category: CONTACT) @purposes(allow: [SUPPORT, SECURITY])
    calls: C @personalRows
    visits: [Visit] @personalRows
    records: [Record] @personalRows
    callCount: Int @derivedFrom(fields: ["calls"])
  }
  type C { total: Int nodes: [Call] }
  type Call {
    id: ID! @personalData(category: CORRESPONDENCE) @purposes(allow: [SUPPORT]) @deidentify(for: [SERVICE_DELIVERY, SECURITY, LEGAL, IMPROVEMENT], by: PSEUDONYM)
    text: String @personalData(category: CORRESPONDENCE) @purposes(allow: [SUPPORT]) @deidentify(for: [LEGAL], by: SUPPRESS)
    length: Int @personalData(category: USAGE) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: BUCKET)
    person: Person @personalRows
  }
  type Visit { id: ID! @personalData(category: USAGE) @purposes(allow: [SUPPORT, SECURITY]) @deidentify(for: [SERVICE_DELIVERY, LEGAL, IMPROVEMENT], by: PSEUDONYM) }
  type Record {
    id: ID! @personalData(category: HEALTH) @purposes(allow: ${every}) @deidentify(for: [IMPROVEMENT], by: PSEUDONYM)
    note: String @personalData(category: HEALTH) @purposes(allow: [SUPPORT]) @requiresAgreement(kind: HEALTH)
  }
  type Query { me: Person @personalRows people: [Person] @personalRows calls: [Call] @personalRows plain: String }
`);
const governed = govern(schema, { pseudonymKey });
const call = { id: 'c', text: 'hello', length: 3, person: null as unknown };
const me = {
  id: '1',
  address: 'here',
  calls: { total: 2, nodes: [call, call] },
  visits: [{ id: 'v' }],
  records: [{ id: 'r', note: 'n' }],
  callCount: 2,
};
const support: Access = {
  principal: 'p',
  purpose: 'SUPPORT',
  grantedPurposes: ['SUPPORT', 'SECURITY', 'IMPROVEMENT', 'LEGAL'],
};
const run = (
  document: string,
  access: Partial<Access> = {},
  rootValue: unknown = { me, people: [me, me], calls: [call] },
) => governed.execute({ document, access: { ...support, ...access }, rootValue });

describe('rows are told of where something of them may be read', () => {
  test('attack S4: whatever is selected, a purpose is asked for', async () => {
    for (const document of ['{ people { __typename } }', '{ me { calls { total } } }', '{ plain me { __typename } }']) {
      expect(await run(document, { purpose: undefined })).toMatchObject({
        data: null,
        errors: [{ extensions: { code: 'PURPOSE_REQUIRED' } }],
      });
      expect(await run(document, { grantedPurposes: [] })).toMatchObject({
        errors: [{ extensions: { code: 'PURPOSE_NOT_GRANTED' } }],
      });
    }
    expect(plainData(await run('{ plain }', { purpose: undefined }))).toEqual({ plain: null });
  });

  test.each([
    ['in the clear', 'SUPPORT', { calls: { total: 2 }, visits: [{}] }],
    ['a pseudonym of what may not be null is nothing', 'SECURITY', { calls: null, visits: [{}] }],
    ['de-identified', 'IMPROVEMENT', { calls: { total: 2 }, visits: null }],
    ['suppressed is nothing', 'LEGAL', { calls: null, visits: null }],
  ])('%s', async (_, purpose, given) => {
    const access = { purpose, prohibitions: [] };
    const { data } = await govern(schema, { pseudonymKey }).execute({
      document: '{ people { calls { total } visits { __typename } } }',
      access: { ...support, ...access },
      rootValue: { people: [me], calls: [] },
    });
    const people = (plainData({ data }) as { people: unknown[] | null }).people;
    if (purpose === 'LEGAL') expect(people).toBeNull();
    else expect(people).toMatchObject([given]);
  });

  test('an agreement that all that may be null requires', async () => {
    const withheld = await run('{ me { records { __typename } } }');
    expect(plainData(withheld)).toEqual({ me: { records: null } });
    expect(errorsOf(withheld)).toMatchObject([
      {
        code: 'AGREEMENT_REQUIRED',
        coordinate: 'Person.records',
        path: ['me', 'records'],
        rule: '@requiresAgreement(kind: HEALTH) on Record.note',
      },
    ]);
    const signed = await run('{ me { records { __typename } } }', { agreements: ['HEALTH'] });
    expect(plainData(signed)).toMatchObject({ me: { records: [{}] } });
  });

  test('from outside, what hangs on the rows counts; within a row, only its own', async () => {
    const only = (...open: string[]) => ({
      prohibitions: (['ONLINE_IDENTIFIER', 'CONTACT', 'CORRESPONDENCE', 'USAGE', 'HEALTH'] as const)
        .filter((category) => !open.includes(category))
        .map((category) => ({ category, code: 'PURPOSE_NOT_GRANTED', rule: 'scope of a grant' })),
    });
    const document = '{ people { visits { __typename } calls { total } } }';
    expect(plainData(await run(document, only('CORRESPONDENCE')))).toMatchObject({
      people: [{ visits: null, calls: { total: 2 } }, {}],
    });
    const nothing = await run(document, only());
    expect(plainData(nothing)).toEqual({ people: null });
    expect(errorsOf(nothing)).toMatchObject([{ coordinate: 'Query.people', rule: 'scope of a grant' }]);
    // A call's person may be read, the call may not: how many there are is the call's.
    const back = await run('{ people { calls { nodes { person { address } } } } }', only('CONTACT'));
    expect(plainData(back)).toEqual({ people: [{ calls: null }, { calls: null }] });
    expect(errorsOf(back)).toMatchObject([{ coordinate: 'Person.calls', rows: 2 }]);
  });

  test('what is derived from rows is withheld with them', async () => {
    expect(plainData(await run('{ me { callCount } }'))).toEqual({ me: { callCount: 2 } });
    const withheld = await run('{ me { callCount } }', { purpose: 'SECURITY' });
    expect(plainData(withheld)).toEqual({ me: { callCount: null } });
    expect(withheld.extensions?.governance.withheld).toEqual(['Person.callCount']);
  });

  test('the row that they hang on may withhold them, unless it gives one of their categories', async () => {
    const asked: Array<[isPerson: boolean, coordinate: string]> = [];
    const row =
      (closed: readonly string[]): Access['row'] =>
      (source, coordinate, category) => {
        asked.push([source === me, coordinate]);
        return closed.includes(category ?? '') ? 'PROCESSING_RESTRICTED' : undefined;
      };
    const document = '{ me { calls { total } } }';
    expect(plainData(await run(document, { row: row(['CORRESPONDENCE']) }))).toEqual({ me: { calls: { total: 2 } } });
    expect(plainData(await run(document, { row: row(['USAGE']) }))).toEqual({ me: { calls: { total: 2 } } });
    const both = await run(document, { row: row(['USAGE', 'CORRESPONDENCE']) });
    expect(plainData(both)).toEqual({ me: { calls: null } });
    expect(errorsOf(both)).toMatchObject([{ code: 'PROCESSING_RESTRICTED', coordinate: 'Person.calls', rows: 1 }]);
    // A way in stands on nobody's row, and is asked of none.
    expect(asked.every(([isPerson, coordinate]) => isPerson && coordinate === 'Person.calls')).toBe(true);
    const failing = await run(document, {
      row: () => {
        throw new Error('no state');
      },
    });
    expect(plainData(failing)).toEqual({ me: { calls: null } });
  });

  test('nothing is resolved of what is withheld', async () => {
    const calls = jest.fn(() => me.calls);
    const visits = jest.fn(() => me.visits);
    const rootValue = { me: { ...me, calls, visits } };
    await run('{ me { calls { total } visits { __typename } } }', { purpose: 'SECURITY' }, rootValue);
    expect([calls.mock.calls.length, visits.mock.calls.length]).toEqual([0, 1]);
  });

  test('only what the plan reaches is decided, whatever it was decided by', () => {
    const explained = governed.explain({ document: '{ people { calls { total } } }', access: support });
    expect(explained.map(({ coordinate, outcome, rule }) => [coordinate, outcome, rule])).toEqual([
      ['Person.calls', 'CLEAR', '@personalRows on Person.calls'],
      ['Query.people', 'CLEAR', '@personalRows on Query.people'],
    ]);
  });
});
