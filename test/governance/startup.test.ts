import {
  buildSchema,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSchema,
  GraphQLString,
  type GraphQLUnionType,
  printSchema,
} from 'graphql';
import { govern, governanceTypeDefs, SchemaPolicyError } from '../../src/governance/govern';
import { pseudonymKey } from './pitfall-schema';

const personal = '@personalData(category: NAME)';
const forSupport = `${personal} @purposes(allow: [SUPPORT])`;
const allMasked = '@deidentify(for: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT], by: PSEUDONYM)';

function start(
  typeDefs: string,
  query = `type Query { a: A ${typeDefs.includes('@personalData') ? '@personalRows' : ''} }`,
) {
  return () =>
    govern(buildSchema(`${governanceTypeDefs}\n${typeDefs}\n${query}`, { assumeValidSDL: true }), { pseudonymKey });
}

function faultsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof SchemaPolicyError) return error.faults;
    throw error;
  }
  return [];
}

const refusals: Array<[what: string, typeDefs: string, fault: string]> = [
  ['an unknown directive', 'type A { x: Int @secret }', 'A.x: @secret is not a known directive; define or remove it'],
  [
    'a misspelt directive',
    `type A { x: Int @personaldata(category: NAME) }`,
    'A.x: @personaldata is not a known directive; write @personalData',
  ],
  [
    'a misspelt directive on a type',
    'type A @requireScopes(scopes: [["s"]]) { x: Int }',
    'A: @requireScopes is not a known directive; write @requiresScopes',
  ],
  [
    'a misspelt directive on an argument',
    'type A { x(y: Int @governdBy(field: "A.x")): Int }',
    'A.x(y:): @governdBy is not a known directive; write @governedBy',
  ],
  [
    'a misspelt directive on an input field',
    'type A { x(y: I): Int } input I { z: Int @governdBy(field: "A.x") }',
    'I.z: @governdBy is not a known directive; write @governedBy',
  ],
  [
    'a misspelt directive on an enum value',
    'type A { x: E } enum E { V @nonPersonall }',
    'E.V: @nonPersonall is not a known directive; write @nonPersonal',
  ],
  [
    'an unknown argument',
    `type A { x: Int @personalData(category: NAME, subjekt: CUSTOMER) }`,
    'A.x: @personalData has no argument "subjekt"; it takes subject',
  ],
  [
    'an argument that no word is near',
    `type A { x: Int @personalData(category: NAME, q: 1) }`,
    'A.x: @personalData has no argument "q"; it takes category, subject',
  ],
  [
    'a missing argument',
    'type A { x: Int @personalData }',
    'A.x: @personalData is written wrongly: Argument "category" of required type "DataCategory!" was not provided.',
  ],
  [
    'an unknown value',
    'type A { x: Int @personalData(category: NAMES) }',
    'A.x: @personalData is written wrongly: Argument "category" has invalid value NAMES.',
  ],
  [
    'an unknown purpose',
    `type A { x: Int ${personal} @purposes(allow: [MARKETING]) }`,
    'A.x: @purposes is written wrongly: Argument "allow" has invalid value [MARKETING].',
  ],
  [
    'a directive where it may not stand',
    `type A ${personal} { x: Int }`,
    'A: @personalData may not stand on OBJECT; it belongs on FIELD_DEFINITION',
  ],
  [
    'a directive on an interface',
    'interface N @requiresScopes(scopes: [["s"]]) { x: Int } type A implements N { x: Int }',
    'N: @requiresScopes may not stand on INTERFACE; it belongs on FIELD_DEFINITION or OBJECT',
  ],
  [
    "the caller's directive in the schema",
    'type A { x: Int @purpose(is: SUPPORT) }',
    'A.x: @purpose may not stand on FIELD_DEFINITION; it belongs on QUERY or MUTATION or SUBSCRIPTION',
  ],
  [
    '@purposes alone',
    'type A { x: Int @purposes(allow: [SUPPORT]) }',
    'A.x: @purposes stands without @personalData; add @personalData(category: …) or remove it',
  ],
  [
    '@deidentify alone',
    'type A { x: Int @deidentify(for: [SUPPORT], by: BUCKET) }',
    'A.x: @deidentify stands without @personalData; add @personalData(category: …) or remove it',
  ],
  [
    '@requiresAgreement alone',
    'type A { x: Int @requiresAgreement(kind: HEALTH) }',
    'A.x: @requiresAgreement stands without @personalData; add @personalData(category: …) or remove it',
  ],
  [
    'personal and not personal',
    `type A { x: Int ${personal} @nonPersonal(because: "x") }`,
    'A.x: @nonPersonal contradicts @personalData or @derivedFrom; keep one',
  ],
  [
    'two methods for a purpose',
    `type A { x: String ${personal} @deidentify(for: [SUPPORT], by: PARTIAL) @deidentify(for: [SUPPORT, LEGAL], by: PSEUDONYM) }`,
    'A.x: SUPPORT is de-identified by PARTIAL and PSEUDONYM; keep one',
  ],
  [
    'attack S13: pseudonyms of two domains',
    `type A { x: String ${personal} @deidentify(for: [LEGAL], by: PSEUDONYM) @deidentify(for: [SUPPORT], by: PSEUDONYM, domain: "B.id") }`,
    'A.x: its pseudonyms are of several domains; name one on each of them',
  ],
  [
    'attack S13: a domain of what is no pseudonym',
    `type A { x: String ${personal} @deidentify(for: [LEGAL], by: PARTIAL, domain: "B.id") }`,
    'A.x: @deidentify(domain: …) is for by: PSEUDONYM alone; remove it',
  ],
  [
    'attack S13: a domain that is no field',
    `type A { x: String ${personal} @deidentify(for: [LEGAL], by: PSEUDONYM, domain: "id") }`,
    'A.x: @deidentify(domain: …) is the Type.field whose value it identifies, such as "Customer.id"',
  ],
  [
    'a number as a pseudonym',
    `type A { x: Int ${personal} @deidentify(for: [LEGAL], by: PSEUDONYM) }`,
    'A.x: @deidentify(by: PSEUDONYM) does not suit Int; a String or an ID is needed',
  ],
  [
    'a part of a number',
    `type A { x: [Float] ${personal} @deidentify(for: [LEGAL], by: PARTIAL) }`,
    'A.x: @deidentify(by: PARTIAL) does not suit [Float]; a String or an ID is needed',
  ],
  [
    'a text in ranges',
    `type A { x: String ${personal} @deidentify(for: [LEGAL], by: BUCKET) }`,
    'A.x: @deidentify(by: BUCKET) does not suit String; a number is needed',
  ],
  [
    'an id in ranges',
    `type A { x: ID ${personal} @deidentify(for: [LEGAL], by: BUCKET) }`,
    'A.x: @deidentify(by: BUCKET) does not suit ID; a number is needed',
  ],
  [
    'a general number',
    `type A { x: Int ${personal} @deidentify(for: [LEGAL], by: GENERALIZE) }`,
    'A.x: @deidentify(by: GENERALIZE) does not suit Int; BUCKET does',
  ],
  [
    'an object as a pseudonym',
    `type A { x: B ${personal} @deidentify(for: [LEGAL], by: PSEUDONYM) } type B { y: Int }`,
    'A.x: @deidentify(by: PSEUDONYM) does not suit B; only SUPPRESS does',
  ],
  [
    'an enum in part',
    `type A { x: E ${personal} @deidentify(for: [LEGAL], by: PARTIAL) } enum E { V }`,
    'A.x: @deidentify(by: PARTIAL) does not suit E; only SUPPRESS does',
  ],
  [
    'a truth in ranges',
    `type A { x: Boolean ${personal} @deidentify(for: [LEGAL], by: BUCKET) }`,
    'A.x: @deidentify(by: BUCKET) does not suit Boolean; only SUPPRESS does',
  ],
  [
    'non-null and withheld',
    `type A { x: ID! ${forSupport} @deidentify(for: [LEGAL], by: PSEUDONYM) }`,
    'A.x: it is non-null, but withheld for SERVICE_DELIVERY, SECURITY, IMPROVEMENT; add @deidentify for these or make the field nullable',
  ],
  [
    'non-null and suppressed',
    `type A { x: ID! ${personal} @purposes(allow: [SERVICE_DELIVERY, SECURITY, LEGAL]) @deidentify(for: [SUPPORT], by: PSEUDONYM) @deidentify(for: [IMPROVEMENT], by: SUPPRESS) }`,
    'A.x: it is non-null, but withheld for IMPROVEMENT; add @deidentify for these or make the field nullable',
  ],
  [
    'non-null under an agreement',
    `type A { x: ID! ${personal} ${allMasked} @requiresAgreement(kind: HEALTH) }`,
    'A.x: it is non-null, but @requiresAgreement may withhold it; make the field nullable',
  ],
  [
    'non-null under a scope',
    `type A { x: ID! ${personal} ${allMasked} @requiresScopes(scopes: [["s"]]) }`,
    'A.x: it is non-null, but @requiresScopes may withhold it; make the field nullable',
  ],
  [
    "non-null under its type's scope",
    `type A @requiresScopes(scopes: [["s"]]) { x: ID! ${personal} ${allMasked} }`,
    'A.x: it is non-null, but @requiresScopes may withhold it; make the field nullable',
  ],
  [
    'non-null and derived',
    `type A { x: ID ${forSupport} y: ID! @derivedFrom(fields: ["x"]) ${allMasked} }`,
    'A.y: it is non-null, but its sources may withhold it; make the field nullable',
  ],
  [
    'non-null with nothing to say for a row',
    `type A { x: ID! ${personal} @purposes(allow: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT]) }`,
    'A.x: it is non-null, but has no de-identified form for a withheld row; add @deidentify or make the field nullable',
  ],
  [
    'derived from what is not there',
    'type A { x: Int @derivedFrom(fields: ["y"]) }',
    'A.x: @derivedFrom names A.y, which is not a governed field; name one that is',
  ],
  [
    'derived from a type that is not there',
    'type A { x: Int @derivedFrom(fields: ["B.y"]) }',
    'A.x: @derivedFrom names B.y, which is not a governed field; name one that is',
  ],
  [
    'derived from an enum',
    'type A { x: E @derivedFrom(fields: ["E.y"]) } enum E { y }',
    'A.x: @derivedFrom names E.y, which is not a governed field; name one that is',
  ],
  [
    'derived from what is not governed',
    'type A { x: Int @derivedFrom(fields: ["y"]) y: Int @nonPersonal(because: "x") }',
    'A.x: @derivedFrom names A.y, which is not a governed field; name one that is',
  ],
  [
    'derived from nothing',
    'type A { x: Int @derivedFrom(fields: []) }',
    'A.x: @derivedFrom names no field; name its sources or remove it',
  ],
  [
    'derived from itself',
    'type A { x: Int @derivedFrom(fields: ["x"]) }',
    'A.x: @derivedFrom comes back to itself; break the circle',
  ],
  [
    'derived in a circle',
    'type A { x: Int @derivedFrom(fields: ["y"]) y: Int @derivedFrom(fields: ["B.z"]) } type B { z: Int @derivedFrom(fields: ["A.x"]) }',
    'B.z: @derivedFrom comes back to itself; break the circle',
  ],
  [
    'derived from itself through its interface',
    `interface N { x: Int ${forSupport} } type A implements N { x: Int ${forSupport} @derivedFrom(fields: ["N.x"]) }`,
    'A.x: @derivedFrom comes back to itself; break the circle',
  ],
  [
    'weaker than its interface',
    `interface N { x: Int ${forSupport} } type A implements N { x: Int ${personal} @purposes(allow: [SUPPORT, LEGAL]) }`,
    "A.x: weaker than N.x: LEGAL reads it CLEAR instead of WITHHELD; repeat the interface's directives",
  ],
  [
    'clear where its interface masks',
    `interface N { x: Int ${personal} @deidentify(for: [LEGAL], by: BUCKET) } type A implements N { x: Int ${personal} @purposes(allow: [LEGAL]) }`,
    "A.x: weaker than N.x: LEGAL reads it CLEAR instead of DEIDENTIFIED; repeat the interface's directives",
  ],
  [
    'masked where its interface withholds',
    `interface N { x: Int ${forSupport} } type A implements N { x: Int ${forSupport} @deidentify(for: [LEGAL], by: BUCKET) }`,
    "A.x: weaker than N.x: LEGAL reads it DEIDENTIFIED instead of WITHHELD; repeat the interface's directives",
  ],
  [
    "without its interface's rule",
    `interface N { x: Int ${forSupport} } type A implements N { x: Int @nonPersonal(because: "x") }`,
    "A.x: weaker than N.x: it carries no directive of its own; repeat the interface's directives",
  ],
  [
    "with a scope for its interface's rule",
    `interface N { x: Int ${forSupport} } type A implements N { x: Int @requiresScopes(scopes: [["s"]]) }`,
    "A.x: weaker than N.x: it carries no @personalData; repeat the interface's directives",
  ],
  [
    'one of two alternatives of a scope',
    'interface N { x: Int @requiresScopes(scopes: [["a", "b"]]) } type A implements N { x: Int @requiresScopes(scopes: [["a", "b"], ["a"]]) }',
    'A.x: weaker than N.x: it lacks @requiresScopes(scopes: [["a","b"]]); repeat the interface\'s directives',
  ],
  [
    'unclassified beside governed',
    `type A { x: Int ${forSupport} y: Int }`,
    'A.y: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)',
  ],
  [
    'an unclassified list of enums',
    `type A { x: Int ${forSupport} y: [E!]! } enum E { V }`,
    'A.y: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)',
  ],
  [
    'unclassified on an interface',
    `interface N { x: Int ${forSupport} y: Int } type A implements N { x: Int ${forSupport} y: Int @nonPersonal(because: "x") }`,
    'N.y: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)',
  ],
  [
    'only scoped, beside governed',
    `type A { x: Int ${forSupport} y: Int @requiresScopes(scopes: [["s"]]) }`,
    'A.y: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)',
  ],
  [
    'an unclassified relation',
    `type A { x: Int ${forSupport} b: B } type B { y: Int }`,
    'A.b: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)',
  ],
  [
    'an argument bound to nothing',
    'type A { x(y: Int @governedBy(field: "A.z")): Int }',
    'A.x(y:): @governedBy names A.z, which does not exist; name a Type.field that does',
  ],
  [
    'an argument bound to no coordinate',
    'type A { x(y: Int @governedBy(field: "x")): Int }',
    'A.x(y:): @governedBy names x, which does not exist; name a Type.field that does',
  ],
  [
    'an input field bound to nothing',
    'type A { x(y: I): Int } input I { z: Int @governedBy(field: "B.z") }',
    'I.z: @governedBy names B.z, which does not exist; name a Type.field that does',
  ],
];

test.each(refusals)('refuses to start: %s', (_, typeDefs, fault) => {
  expect(faultsOf(start(typeDefs))).toContain(fault);
});

const governed = `type A { email: String ${forSupport} firstName: String ${forSupport} note: String @nonPersonal(because: "x") }`;
const unbound: Array<[what: string, query: string, fault: string]> = [
  [
    'an argument',
    'type Query { a(email: String): A @personalRows }',
    'Query.a(email:): it filters or sorts by A.email without saying so; add @governedBy(field: "A.email")',
  ],
  [
    'an argument of a list',
    'type Query { a(emailLike: String): [A!] @personalRows }',
    'Query.a(emailLike:): it filters or sorts by A.email',
  ],
  [
    'a plural',
    'type Query { a(emails: [String]): [A] @personalRows }',
    'Query.a(emails:): it filters or sorts by A.email',
  ],
  [
    'two words',
    'type Query { a(byFirstName: String): [A] @personalRows }',
    'Query.a(byFirstName:): it filters or sorts by A.firstName',
  ],
  [
    'snake case',
    'type Query { a(first_name_in: String): [A] @personalRows }',
    'Query.a(first_name_in:): it filters or sorts by A.firstName',
  ],
  [
    'a sort',
    'type Query { a(sort: S): [A] @personalRows } enum S { NOTE EMAIL_DESC }',
    'Query.a(sort:): it filters or sorts by A.email',
  ],
  [
    'a filter',
    'type Query { a(filter: F): [A] @personalRows } input F { note: String or: [F] email: String }',
    'F.email: it filters or sorts by A.email',
  ],
  [
    'a connection',
    'type Query { a(email: String): C @personalRows } type C { nodes: [A] }',
    'Query.a(email:): it filters or sorts by A.email',
  ],
  [
    'edges',
    'type Query { a(email: String): C @personalRows } type C { edges: [E] } type E { node: A cursor: String }',
    'Query.a(email:): it filters or sorts by A.email',
  ],
  [
    'items',
    'type Query { a(email: String): C @personalRows } type C { items: [U] } union U = A',
    'Query.a(email:): it filters or sorts by A.email',
  ],
  [
    'a union',
    'type Query { a(email: String): U @personalRows } union U = A',
    'Query.a(email:): it filters or sorts by A.email',
  ],
  [
    'attack S17: a yes or no',
    'type Query { exists(email: String!): Boolean b: A @personalRows }',
    'Query.exists(email:): it filters',
  ],
  [
    'a number',
    'type Query { count(emailLike: String!): Int b: A @personalRows }',
    'Query.count(emailLike:): it filters',
  ],
  [
    'attack S17: an answer that shows no subject',
    'type Query { stats(filter: F): Stats b: A @personalRows } type Stats { n: Int } input F { email: String }',
    'F.email: it filters',
  ],
  [
    'a page of any name',
    'type Query { search(email: String): Page @personalRows } type Page { results: [Hit] } type Hit { found: A }',
    'Query.search(email:): it filters',
  ],
  [
    'attack S17: a search through a page of any name',
    'type Query { search(q: String): Page @personalRows } type Page { results: [A] }',
    'Query.search(q:): it could filter or sort',
  ],
  [
    'attack S17: a group by a field',
    'type Query { grouped(by: G): [Group] b: A @personalRows } enum G { NOTE EMAIL } type Group { key: String n: Int }',
    'Query.grouped(by:): it filters',
  ],
  [
    'attack S17: a group by any field',
    'type Query { grouped(by: String!): [Group] b: A @personalRows } type Group { key: String n: Int }',
    'Query.grouped(by:): it could filter or sort',
  ],
  [
    'a subscription',
    'type Query { b: A @personalRows } type Subscription { changed(since: Day): A @personalRows } scalar Day',
    'Subscription.changed(since:): it could filter or sort',
  ],
  [
    'a field below the root',
    'type Query { b: B } type B { a(email: String): A @personalRows }',
    'B.a(email:): it filters or sorts by A.email',
  ],
];

const told = '@nonPersonal(because: "it reads nothing")';

test.each(unbound)('refuses to start: a filter or sort that is not bound, by %s', (_, query, fault) => {
  expect(faultsOf(start(governed, query))).toEqual([expect.stringContaining(fault)]);
});

test.each([
  ['bound', 'type Query { a(email: String @governedBy(field: "A.email")): A @personalRows }'],
  [
    'a filter that is bound as a whole',
    'type Query { a(filter: F @governedBy(field: "A.email")): A @personalRows } input F { email: String }',
  ],
  ['a part of a word, and told', `type Query { a(emailer: String ${told}, name: String ${told}): A @personalRows }`],
  [
    'paging',
    'type Query { a(first: Int, last: Int!, after: String, before: ID, cursor: Cursor): A @personalRows } scalar Cursor',
  ],
  ['told to read nothing', `type Query { a(email: String ${told}, q: String ${told}): Boolean b: A @personalRows }`],
  ['told in an input', `type Query { a(filter: F): [A] @personalRows } input F { q: String ${told} any: [F] }`],
  ['what is not governed', 'type Query { a(note: String): A @personalRows }'],
  ['a mutation', 'type Query { a: A @personalRows } type Mutation { create(email: String): A @personalRows }'],
  ['an id of something else', 'type Query { other(id: ID!, emailId: ID): Int b: A @personalRows }'],
  ['about what reaches no subject', 'type Query { weather(city: String, at: Day): Int b: A @personalRows } scalar Day'],
])('starts: an argument that is %s', (_, query) => {
  expect(faultsOf(start(governed, query))).toEqual([]);
});

test.each([
  [
    'a whole rule',
    `type A { x: String ${forSupport} @deidentify(for: [LEGAL], by: PARTIAL) @requiresAgreement(kind: HEALTH) @requiresScopes(scopes: [["s"]]) }`,
  ],
  ['a non-null id', `type A { x: ID! ${personal} ${allMasked} }`],
  [
    'a non-null id in the clear for one purpose',
    `type A { x: ID! ${forSupport} @deidentify(for: [SERVICE_DELIVERY, SECURITY, LEGAL, IMPROVEMENT], by: PSEUDONYM) }`,
  ],
  [
    'one method said twice',
    `type A { x: String ${personal} @deidentify(for: [LEGAL], by: PARTIAL) @deidentify(for: [LEGAL, SUPPORT], by: PARTIAL) }`,
  ],
  [
    'every method on what it suits',
    `type A { a: ID ${personal} @deidentify(for: [LEGAL], by: PSEUDONYM) b: Float ${personal} @deidentify(for: [LEGAL], by: BUCKET) c: D ${personal} @deidentify(for: [LEGAL], by: GENERALIZE) d: B ${personal} @deidentify(for: [LEGAL], by: SUPPRESS) e: Boolean ${personal} @deidentify(for: [LEGAL], by: SUPPRESS) f: D ${personal} @deidentify(for: [LEGAL], by: BUCKET) } scalar D type B { x: Int }`,
  ],
  [
    'a relation to what is no person’s',
    `type A { x: Int ${forSupport} b: B @nonPersonal(because: "x") } type B { y: Int }`,
  ],
  ['a stricter implementer', `interface N { x: Int ${forSupport} } type A implements N { x: Int ${personal} }`],
  [
    'an implementer of an interface without a rule',
    `interface N { x: Int } type A implements N { x: Int ${forSupport} }`,
  ],
  [
    'a scope that asks for more',
    'interface N { x: Int @requiresScopes(scopes: [["a"], ["b"]]) } type A implements N { x: Int @requiresScopes(scopes: [["a", "c"]]) }',
  ],
  [
    'specified directives',
    'type A { x(y: Int @deprecated): Int @deprecated @nonPersonal(because: "x") } scalar S @specifiedBy(url: "https://example.org") input O @oneOf { a: Int }',
  ],
  [
    'directives of its own',
    'directive @mine(a: Int) on FIELD_DEFINITION type A { x: Int @mine(a: 1) @nonPersonal(because: "x") }',
  ],
  [
    'two fields derived from one',
    `type A { x: Int ${forSupport} y: Int @derivedFrom(fields: ["x"]) z: Int @derivedFrom(fields: ["x", "y"]) }`,
  ],
])('starts: %s', (_, typeDefs) => {
  expect(faultsOf(start(typeDefs))).toEqual([]);
});

test('every fault is told at once, each on a line of its own', () => {
  const run = start(`type A { x: Int ${personal} y: Int z: ID! ${personal} } type B { w: Int @purposes(allow: []) }`);
  expect(run).toThrow(SchemaPolicyError);
  const faults = faultsOf(run);
  expect(faults).toHaveLength(4);
  expect(run).toThrow(`The schema's governance is not sound:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
});

test('a schema built in code, without definitions of the directives, is read alike', () => {
  const source = buildSchema(
    `${governanceTypeDefs} type A { x: String ${forSupport} } type Query { a: A @personalRows }`,
  );
  const field = (name: string, of: string, type: GraphQLOutputType) => {
    const astNode = (source.getType(of) as GraphQLObjectType).getFields()[name]?.astNode;
    return { [name]: { type, ...(astNode ? { astNode } : {}) } };
  };
  const type = new GraphQLObjectType({ name: 'A', fields: field('x', 'A', GraphQLString) });
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: field('a', 'Query', type) }),
  });
  expect(govern(schema).coordinates).toMatchObject([
    { coordinate: 'Query.a', category: 'NAME', rows: true },
    { coordinate: 'A.x', category: 'NAME', allow: ['SUPPORT'] },
  ]);
});

test('the coordinates say what stands on them', () => {
  const governing = govern(
    buildSchema(`${governanceTypeDefs}
      type A @requiresScopes(scopes: [["a"]]) {
        x: String @personalData(category: HEALTH, subject: CLIENT_USER) @purposes(allow: [LEGAL]) @deidentify(for: [SUPPORT], by: PARTIAL) @requiresAgreement(kind: HEALTH) @requiresScopes(scopes: [["s", "t"], ["u"]])
        y: Int @derivedFrom(fields: ["x", "B.z"])
        n: Int @nonPersonal(because: "x")
      }
      type B { z: Int ${forSupport} @requiresAgreement(kind: DPA) }
      type Query { a: A @personalRows b: B @personalRows(subject: CLIENT_USER) }`),
  );
  const scope = [['a']];
  const none = { allow: [], deidentify: {}, requiresAgreement: [], requiresScopes: [], derivedFrom: [] };
  expect(governing.coordinates).toEqual([
    {
      coordinate: 'A.x',
      category: 'HEALTH',
      subject: 'CLIENT_USER',
      rows: false,
      allow: ['LEGAL'],
      deidentify: { SUPPORT: 'PARTIAL' },
      requiresAgreement: ['HEALTH'],
      requiresScopes: [scope, [['s', 't'], ['u']]],
      derivedFrom: [],
    },
    {
      coordinate: 'A.y',
      category: null,
      subject: null,
      rows: false,
      allow: [],
      deidentify: {},
      requiresAgreement: [],
      requiresScopes: [scope],
      derivedFrom: ['A.x', 'B.z'],
    },
    {
      coordinate: 'A.n',
      category: null,
      subject: null,
      rows: false,
      allow: [],
      deidentify: {},
      requiresAgreement: [],
      requiresScopes: [scope],
      derivedFrom: [],
    },
    {
      coordinate: 'B.z',
      category: 'NAME',
      subject: 'CUSTOMER',
      rows: false,
      allow: ['SUPPORT'],
      deidentify: {},
      requiresAgreement: ['DPA'],
      requiresScopes: [],
      derivedFrom: [],
    },
    { ...none, coordinate: 'Query.a', category: null, subject: 'CUSTOMER', rows: true, allow: ['SUPPORT', 'LEGAL'] },
    {
      ...none,
      coordinate: 'Query.b',
      category: 'NAME',
      subject: 'CLIENT_USER',
      rows: true,
      allow: ['SUPPORT'],
      requiresAgreement: ['DPA'],
    },
  ]);
});

test('equal rules have equal versions, and any change another', () => {
  const version = (typeDefs: string) =>
    govern(buildSchema(`${governanceTypeDefs} ${typeDefs} type Query { a: A @personalRows }`)).policyVersion;
  const one = version(`type A { x: Int ${forSupport} y: Int @nonPersonal(because: "x") }`);
  expect(one).toMatch(/^[\w-]{16}$/);
  expect(version(`type A { y: Int @nonPersonal(because: "x") x: Int ${forSupport} }`)).toBe(one);
  expect(
    version(`type A { x: Int ${personal} @purposes(allow: [SUPPORT, LEGAL]) y: Int @nonPersonal(because: "x") }`),
  ).not.toBe(one);
  expect(version(`type A { x: Int ${forSupport} y: Int @nonPersonal(because: "y") }`)).not.toBe(one);
});

test('attack S17: a schema without any directive is refused unless its caller says that it means it', () => {
  const bare = () => buildSchema(`${governanceTypeDefs} type Query { email: String }`);
  expect(faultsOf(() => govern(bare()))).toEqual([expect.stringContaining('no element carries a directive of Remit')]);
  expect(faultsOf(() => govern(bare()))[0]).toContain('{ ungoverned: true }');
  expect(govern(bare(), { ungoverned: true }).coordinates).toEqual([]);
  // printSchema drops every usage of a directive.
  const printed = printSchema(buildSchema(`${governanceTypeDefs} type Query { email: String ${forSupport} }`));
  expect(faultsOf(() => govern(buildSchema(printed)))).toHaveLength(1);
});

test('attack S17: a resolver, a type’s resolver or a field that is set after govern() is found out', () => {
  const schema = buildSchema(
    `${governanceTypeDefs} type A { x: Int ${forSupport} } union U = A type Query { a: A @personalRows u: U @personalRows }`,
  );
  govern(schema);
  const type = schema.getType('A') as GraphQLObjectType;
  const { x } = type.getFields();
  if (!x) throw new Error('A.x is there');
  const late = 'A.x: its resolve is set after govern() and would have no guard; set it before';
  expect(() => Object.assign(x, { resolve: () => 1 })).toThrow(late);
  expect(() => Object.assign(x, { subscribe: () => 1 })).toThrow('A.x: its subscribe is set after govern()');
  expect(() => Object.assign(type, { isTypeOf: () => true })).toThrow('A: its isTypeOf is set after govern()');
  const union = schema.getType('U') as GraphQLUnionType;
  expect(() => Object.assign(union, { resolveType: () => 'A' })).toThrow('U: its resolveType is set after govern()');
  expect(() => Object.assign(type.getFields(), { y: x })).toThrow(TypeError);
  expect(() => govern(schema)).not.toThrow();
});

test('a schema that makes pseudonyms is refused without a key, and with one that is too short', () => {
  const typeDefs = `type A { x: String ${personal} @deidentify(for: [LEGAL], by: PSEUDONYM) }`;
  const schema = () => buildSchema(`${governanceTypeDefs} ${typeDefs} type Query { a: A @personalRows }`);
  expect(faultsOf(() => govern(schema()))).toEqual([
    'A.x: @deidentify(by: PSEUDONYM) needs a key that every replica shares; pass { pseudonymKey }, at least 32 random bytes ' +
      "that are kept secret, or { pseudonymKey: 'per-access' } where each access brings its own",
  ]);
  expect(faultsOf(() => govern(schema(), { pseudonymKey: Buffer.alloc(31) }))).toEqual([
    'pseudonymKey: it has 31 bytes; at least 32 random ones are needed',
  ]);
  for (const key of [Buffer.alloc(32), 'per-access' as const]) govern(schema(), { pseudonymKey: key });
});
