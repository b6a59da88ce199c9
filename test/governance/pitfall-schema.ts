import { buildSchema, type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql';
import {
  type Access,
  type GovernedResult,
  type GovernOptions,
  govern,
  governanceTypeDefs,
} from '../../src/governance/govern';

/** The key that all schemas of these tests make pseudonyms with. */
export const pseudonymKey = Buffer.alloc(32, 'k');

/** The schema that `shared` pitfalls ask for: a rule on one implementer, a union, lists, a mutation, a subscription. */
export const pitfallTypeDefs = `
  interface Node { secret: String label: String peers: [Node] }
  type A implements Node {
    secret: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: PSEUDONYM)
    label: String @nonPersonal(because: "a label")
    peers: [Node] @personalRows
    owner: C @personalRows
    seen: String @personalData(category: USAGE) @purposes(allow: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT])
    length: Int @derivedFrom(fields: ["secret"])
    grid: [[String]] @personalData(category: NAME) @purposes(allow: [SUPPORT])
  }
  type B implements Node { secret: String label: String peers: [Node] @personalRows owner: A @personalRows }
  type C {
    hidden: String @personalData(category: CONTACT) @purposes(allow: [SUPPORT])
    age: Int @personalData(category: DEMOGRAPHIC) @purposes(allow: [SUPPORT])
    label: String @nonPersonal(because: "a label")
    a: A @personalRows
    seen: String @personalData(category: USAGE) @purposes(allow: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT])
  }
  union U = A | B | C
  enum ASort { LABEL NAMED @deprecated }
  input AFilter {
    and: [AFilter!]
    label: String @nonPersonal(because: "a label")
    secret: TextFilter @governedBy(field: "A.secret", operators: [EQ, PREFIX])
    hidden: String @governedBy(field: "C.hidden")
  }
  input TextFilter { eq: String prefix: String contains: String lt: String }
  type Count { count: Int }
  type Query {
    plain: String
    node: Node @personalRows
    nodes: [Node!] @personalRows
    u: U @personalRows
    us: [U!] @personalRows
    a: A @personalRows
    b: B
    c: C @personalRows
    as(filter: AFilter, sort: ASort @governedBy(field: "A.secret"), label: String @nonPersonal(because: "a label")): [A!] @personalRows
    count(filter: AFilter): Count
    first(secretIs: String! @governedBy(field: "A.secret")): [String!]!
    distinct(by: String = "secret" @governedBy(field: "Node.secret")): [String]
    say(text: String, number: Int, on: Day, sort: ASort): String
    fails: String
    failsForTheCaller: String
  }
  scalar Day
  type Mutation {
    relabel(label: String): Relabelled
    rename(secret: String @governedBy(field: "A.secret")): A @personalRows
  }
  type Relabelled { done: Boolean a: A @personalRows }
  type Subscription { changed: A @personalRows said: String @personalData(category: CORRESPONDENCE) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: PSEUDONYM) }
`;

export const support: Access = {
  principal: 'p',
  purpose: 'SUPPORT',
  grantedPurposes: ['SUPPORT', 'SECURITY', 'IMPROVEMENT'],
};
export const security: Access = { ...support, purpose: 'SECURITY' };
export const improvement: Access = { ...support, purpose: 'IMPROVEMENT' };

const c = { __typename: 'C', hidden: 'canary-c', age: 4711, label: 'c' };
const b = { __typename: 'B', secret: 'open-b', label: 'b', peers: [] as unknown[] };
export const a = {
  __typename: 'A',
  secret: 'canary-a',
  label: 'a',
  owner: c,
  length: 8,
  peers: [b],
  grid: [['canary-g']],
};
export const rows = {
  plain: 'plain',
  node: a,
  nodes: [a, b, a],
  u: c,
  us: [a, b, c],
  a,
  b,
  c,
  as: [a],
  count: { count: 1 },
  first: ['first'],
  distinct: ['canary-d'],
};

/** Every resolver that was called, by coordinate. */
export interface House {
  schema: GraphQLSchema;
  calls: string[];
  run(
    document: string,
    access?: Access,
    more?: { operationName?: string; variableValues?: Record<string, unknown>; contextValue?: unknown },
  ): Promise<GovernedResult>;
  governed: ReturnType<typeof govern>;
}

/** A fresh, governed schema whose root fields note that they were called. */
export function house(
  options: GovernOptions = {},
  resolvers: Record<string, GraphQLFieldResolver<unknown, unknown>> = {},
  change: (schema: GraphQLSchema) => void = () => undefined,
): House {
  const schema = buildSchema(`${governanceTypeDefs}\n${pitfallTypeDefs}`);
  const calls: string[] = [];
  for (const name of ['Query', 'Mutation']) {
    const type = schema.getType(name);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = (source) => {
        calls.push(`${name}.${field.name}`);
        return (source as Record<string, unknown> | undefined)?.[field.name];
      };
    }
  }
  for (const [coordinate, resolve] of Object.entries(resolvers)) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = schema.getType(typeName);
    const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
    if (field && typeName === 'Subscription') field.subscribe = resolve;
    else if (field) field.resolve = resolve;
  }
  change(schema);
  const governed = govern(schema, { pseudonymKey, ...options });
  return {
    schema,
    calls,
    governed,
    run: (document, access = security, more = {}) => governed.execute({ document, access, rootValue: rows, ...more }),
  };
}

/** Nothing that a canary stands for is anywhere in the answer. */
export function expectNoCanary(answer: unknown): void {
  expect(JSON.stringify(answer)).not.toMatch(/canary|4711/);
}

/** Errors by place and extensions; a place's pattern says the same as the place, so it is not repeated. */
export const errorsOf = (result: GovernedResult): Array<Record<string, unknown>> =>
  (result.errors ?? []).map(({ path, extensions: { pattern, ...extensions } }) => {
    if (extensions.coordinate !== undefined) {
      expect(pattern).toEqual(path?.map((key) => (typeof key === 'number' ? '@' : key)));
    }
    return { path, ...extensions };
  });

export const codesOf = (result: GovernedResult): unknown[] =>
  (result.errors ?? []).map(({ extensions }) => extensions.code);

export const plainData = (result: { data?: unknown }): unknown => JSON.parse(JSON.stringify(result.data ?? null));
