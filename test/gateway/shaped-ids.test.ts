import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { governContracts } from '../../src/app';
import type { Role } from '../../src/identity/caller';
import { isIdShaped, shapedId } from '../../src/storage/ids';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer } from '../support/rows';

const absent = '00000000-0000-7000-8000-000000000000';
const odd = ['é', '名前', '\u{1f600}', 'x\u0000y', '\ud800', ' ', 'tab\t'];

type Input = GraphQLArgument | GraphQLInputField;

const holdsIds = (type: GraphQLInputType, seen = new Set<unknown>()): boolean => {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named.name === 'ID';
  if (seen.has(named)) return false;
  seen.add(named);
  return Object.values(named.getFields()).some((field) => holdsIds(field.type, seen));
};

/** The least that an input takes, with an id wherever one may stand. */
function leastOf(type: GraphQLInputType, id: string, depth = 0): unknown {
  if (isNonNullType(type)) return leastOf(type.ofType, id, depth);
  if (isListType(type)) return [leastOf(type.ofType, id, depth)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) return objectOf(Object.values(type.getFields()), id, depth + 1);
  const scalars: Record<string, unknown> = { ID: id, Int: 1, Boolean: true, DateTime: '2026-01-01T00:00:00Z' };
  return type.name in scalars ? scalars[type.name] : 'x';
}

function objectOf(fields: readonly Input[], id: string, depth = 0): Record<string, unknown> {
  const wanted = fields.filter(({ type }) => isNonNullType(type) || (holdsIds(type) && depth < 3));
  return Object.fromEntries(wanted.map(({ name, type }) => [name, leastOf(type, id, depth)]));
}

const documentOf = (kind: string, field: GraphQLField<unknown, unknown>): string => {
  const fields = field.args.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const given = field.args.map(({ name }) => `${name}: $${name}`).join(', ');
  return `${kind} (${fields}) { ${field.name}(${given})${isCompositeType(getNamedType(field.type)) ? ' { __typename }' : ''} }`;
};

const roles: readonly Role[] = [
  'CLIENT_ADMIN',
  'CLIENT_PRIVACY_OFFICER',
  'PLATFORM_STAFF',
  'PLATFORM_PRIVACY_OFFICER',
  'AUDITOR',
];

test('attack S18: the shape of an id', () => {
  for (const id of ['', absent, 'acme', 'order~1', shapedId('é')])
    expect([isIdShaped(id), shapedId(id)]).toEqual([true, id]);
  for (const id of [...odd, `${absent} `]) {
    expect([isIdShaped(id), isIdShaped(shapedId(id)), shapedId(id).startsWith('~')]).toEqual([false, true, true]);
  }
});

describe.each(databases)('ids that no row has on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let customer: string;
  const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    const { id } = await app.services.clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test');
    customer = await insertCustomer(app, id, { email: 'a@example.org', residency: 'DE' });
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const outcomeOf = async (asker: Asker, document: string, variables: Record<string, unknown>) => {
    const { data, errors = [] } = await app.ask(asker, 'LEGAL', document, variables);
    return JSON.stringify([data, errors.map(({ extensions }) => extensions.code)]);
  };

  test('attack S18: are to every operation what an absent id is, whatever is in them', async () => {
    const { schemas } = governContracts(app.services, app.stores.keys, Buffer.alloc(32, 7), () => undefined);
    const fields = [schemas.api.getQueryType(), schemas.api.getMutationType()].flatMap((type) =>
      Object.values(type?.getFields() ?? {}).map(
        (field) => [type === schemas.api.getQueryType() ? 'query' : 'mutation', field] as const,
      ),
    );
    const taking = fields.filter(([, field]) => field.args.some(({ type }) => holdsIds(type)));
    expect(taking.length).toBeGreaterThan(25);
    for (const [kind, field] of taking) {
      const document = documentOf(kind, field);
      for (const role of roles) {
        const asker: Asker = { role, client: 'acme' };
        const before = await outcomeOf(asker, document, objectOf(field.args, absent));
        for (const id of odd.slice(0, 3)) {
          expect([field.name, role, id, await outcomeOf(asker, document, objectOf(field.args, id))]).toEqual([
            field.name,
            role,
            id,
            before,
          ]);
        }
      }
    }
    expect(app.internalErrors).toEqual([]);
  }, 240_000);

  test('attack S18: blanks behind an id, a tenant or a subject are a part of it', async () => {
    const document = 'query ($id: ID!) { customer(id: $id) { email } }';
    expect(await outcomeOf(officer, document, { id: customer })).toContain('a@example.org');
    for (const id of [`${customer} `, `${customer}  `, ` ${customer}`]) {
      expect(await outcomeOf(officer, document, { id })).toBe('[{"customer":null},[]]');
    }
    const input = { customerId: `${customer} `, firstName: 'Eve' };
    const update = 'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { __typename } }';
    expect(await outcomeOf(officer, update, { input })).toBe('[{"updateCustomer":null},["NOT_FOUND"]]');
    for (const client of ['acme ', 'acmé', 'acme\u0000']) {
      expect(await outcomeOf({ ...officer, client }, document, { id: customer })).toContain('PURPOSE_NOT_GRANTED');
    }
    expect(app.internalErrors).toEqual([]);
  });
});
