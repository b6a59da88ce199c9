import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLSchema,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  printSchema,
} from 'graphql';
import { governContracts } from '../../src/app';
import { contractFields } from '../../src/gateway/contract-fields';
import { narrowedSchema } from '../../src/gateway/contracts';
import { openTestApp } from '../support/app';
import { databases } from '../support/databases';

const emitted = readFileSync(join(__dirname, '../../schema/remit.graphql'), 'utf8');
const contracts = Object.entries(contractFields);

/** The API as it would be with more in it. */
const apiWith = (more: string): GraphQLSchema => buildSchema(`${emitted}\n${more}`);
const today = apiWith('');

const coordinatesOf = (schema: GraphQLSchema): string[] =>
  Object.values(schema.getTypeMap())
    .filter((type) => (isObjectType(type) || isInputObjectType(type)) && !isIntrospectionType(type))
    .flatMap((type) => Object.keys((type as GraphQLObjectType).getFields()).map((field) => `${type.name}.${field}`))
    .sort();

test.each(contracts)('a field that is added to a type is not in the contract %s', (name, lists) => {
  const api = apiWith(`
    extend type Customer { favouriteColour: String @nonPersonal(because: "a test") supportCalls: [SupportCall!] }
    extend type Query { supportCalls: [SupportCall!] }
    extend type Mutation { recordSupportCall(input: SupportCallInput!): Customer }
    extend input CustomerFilter { favouriteColour: String }
    type SupportCall { id: ID! note: String kind: SupportCallKind }
    input SupportCallInput { note: String }
    enum SupportCallKind { COMPLAINT }
  `);
  expect(printSchema(narrowedSchema(api, name, lists))).toBe(printSchema(narrowedSchema(today, name, lists)));
});

test('the emitted contracts hold the named fields and no others', () => {
  for (const [name, lists] of contracts) {
    const written = buildSchema(readFileSync(join(__dirname, `../../schema/${name}.graphql`), 'utf8'));
    const named = lists.flatMap((list) =>
      Object.entries(list).flatMap(([type, fields]) =>
        fields
          .trim()
          .split(/\s+/)
          .map((field) => `${type}.${field}`),
      ),
    );
    expect(coordinatesOf(written)).toEqual([...new Set(named)].sort());
  }
});

test('no contract shows a client app what only an administrator may say', () => {
  const schema = narrowedSchema(today, 'client-app', contractFields['client-app']);
  expect(printSchema(schema)).not.toContain('allowErased');
});

test.each([
  ['there is no Customer.shoeSize', { Customer: 'shoeSize' }],
  ['there is no Shoe.size', { Shoe: 'size' }],
  ['Query.proposals uses Proposal, of which no field is named', { Query: 'proposals' }],
])('a contract that cannot be cut is told: %s', (fault, list) => {
  expect(() => narrowedSchema(today, 'test', [list])).toThrow(`the contract test: ${fault}`);
});

test('a contract that is first asked for after the whole API is governed has none of its guards', async () => {
  const [database] = databases;
  if (!database) throw new Error('there is no database');
  const store = await database.create();
  const app = await openTestApp(store);
  const { schemas, contracts: governed } = governContracts(
    app.services,
    app.stores.keys,
    Buffer.alloc(32),
    () => undefined,
  );
  const coordinates = governed.api.coordinates.map(({ coordinate }) => coordinate.split('.'));
  const fieldOf = (schema: GraphQLSchema, [type = '', field = '']: string[]) => {
    const found = schema.getType(type);
    return isObjectType(found) ? found.getFields()[field] : undefined;
  };
  const shared = coordinates.filter((coordinate) => fieldOf(schemas['client-app'], coordinate));
  expect(shared.length).toBeGreaterThan(40);
  const guarded = shared.filter((coordinate) => {
    const [own, whole] = [schemas['client-app'], schemas.api].map((schema) => fieldOf(schema, coordinate)?.resolve);
    return own !== undefined && own === whole;
  });
  expect(guarded).toEqual([]);
  await app.close();
  await store.drop();
});
