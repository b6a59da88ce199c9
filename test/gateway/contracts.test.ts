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
import { contractFields } from '../../src/gateway/contract-fields';
import { narrowedSchema } from '../../src/gateway/contracts';

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
])('a contract that cannot be cut is told at start-up: %s', (fault, list) => {
  expect(() => narrowedSchema(today, 'test', [list])).toThrow(`the contract test: ${fault}`);
});
