import { buildSchema, printSchema } from 'graphql';
import {
  type Access,
  type Decision,
  defaultVocabulary,
  type GovernOptions,
  govern,
  governanceTypeDefs,
  governanceTypeDefsFor,
  SchemaPolicyError,
  withGovernanceDirectives,
} from '../../src/governance/govern';
import { codesOf, plainData, pseudonymKey } from './pitfall-schema';

const bank = {
  purposes: {
    PAYMENTS: 'Making and receiving payments.',
    FRAUD_DETECTION: 'Finding payments that a customer did not make.',
    MARKETING: 'Offering products.',
  },
  categories: { IDENTITY: 'Who somebody is.', ACCOUNT: 'What somebody has and owes.', RISK: 'What is thought of it.' },
  subjects: { ACCOUNT_HOLDER: 'Whose account it is.', EMPLOYEE: 'Who works for the bank.' },
  agreements: { SCHUFA: 'The contract with the credit bureau.' },
};

const bankTypeDefs = `
  type Query { account: Account @personalRows }
  type Account {
    id: ID! @personalData(category: ACCOUNT) @purposes(allow: [PAYMENTS]) @deidentify(for: [FRAUD_DETECTION, MARKETING], by: PSEUDONYM)
    holder: String @personalData(category: IDENTITY) @purposes(allow: [PAYMENTS]) @deidentify(for: [FRAUD_DETECTION], by: PARTIAL)
    balance: Float @personalData(category: ACCOUNT) @purposes(allow: [PAYMENTS, FRAUD_DETECTION]) @deidentify(for: [MARKETING], by: BUCKET)
    score: Int @personalData(category: RISK) @purposes(allow: [FRAUD_DETECTION]) @requiresAgreement(kind: SCHUFA)
    clerk: String @personalData(category: IDENTITY, subject: EMPLOYEE) @purposes(allow: [FRAUD_DETECTION])
  }
`;
const rootValue = { account: { id: '1', holder: 'Ada', balance: 4711, score: 97, clerk: 'Bob' } };
const teller: Access = {
  principal: 'a.teller',
  client: 'bank',
  grantedPurposes: ['PAYMENTS', 'FRAUD_DETECTION', 'MARKETING', 'SUPPORT'],
};

const governBank = (typeDefs = bankTypeDefs, options: GovernOptions = {}) =>
  govern(buildSchema(`${governanceTypeDefsFor(bank)} ${typeDefs}`), { pseudonymKey, ...options });

function faultsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof SchemaPolicyError) return error.faults;
    throw error;
  }
  return [];
}

test("a bank's own purposes, categories, subjects and agreements decide", async () => {
  const decisions: Decision[] = [];
  const governed = governBank(bankTypeDefs, { contextWith: (_, decision) => void decisions.push(decision) });
  const document = '{ account { id holder balance score clerk } }';
  const read = (purpose: string, more: Partial<Access> = {}) =>
    governed.execute({ document, rootValue, access: { ...teller, purpose, ...more } });
  const payments = await read('PAYMENTS');
  expect(plainData(payments)).toEqual({
    account: { id: '1', holder: 'Ada', balance: 4711, score: null, clerk: null },
  });
  const fraud = await read('FRAUD_DETECTION', { agreements: ['SCHUFA'] });
  expect(plainData(fraud)).toEqual({
    account: { id: expect.stringMatching(/^p_/), holder: 'A•••', balance: 4711, score: 97, clerk: 'Bob' },
  });
  expect(codesOf(await read('FRAUD_DETECTION'))).toEqual(['AGREEMENT_REQUIRED']);
  expect(plainData(await read('MARKETING'))).toEqual({
    account: { id: expect.stringMatching(/^p_/), holder: null, balance: 2000, score: null, clerk: null },
  });
  expect(decisions.map(({ purpose }) => purpose)).toEqual([
    'PAYMENTS',
    'FRAUD_DETECTION',
    'FRAUD_DETECTION',
    'MARKETING',
  ]);
});

test("a purpose of the default words is none of the bank's, even where it is granted", async () => {
  const governed = governBank();
  const read = (document: string, purpose?: string) =>
    governed.execute({ document, rootValue, access: { ...teller, purpose } });
  expect(codesOf(await read('{ account { holder } }', 'SUPPORT'))).toEqual(['PURPOSE_NOT_GRANTED']);
  expect(codesOf(await read('query @purpose(is: SUPPORT) { account { holder } }'))).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
  ]);
  expect(plainData(await read('query @purpose(is: PAYMENTS) { account { holder } }'))).toEqual({
    account: { holder: 'Ada' },
  });
});

test('prohibitions and row rules speak of its categories', async () => {
  const governed = governBank();
  const asked = new Set<string | undefined>();
  const { data, errors } = await governed.execute({
    document: '{ account { holder balance } }',
    rootValue,
    access: {
      ...teller,
      purpose: 'PAYMENTS',
      prohibitions: [{ category: 'ACCOUNT', code: 'SEIZED', rule: 'a court order' }],
      row: (_, __, category) => {
        asked.add(category);
        return undefined;
      },
    },
  });
  expect(plainData({ data })).toEqual({ account: { holder: 'Ada', balance: null } });
  expect(errors?.map(({ extensions }) => [extensions.coordinate, extensions.rule])).toEqual([
    ['Account.balance', 'a court order'],
  ]);
  expect([...asked]).toEqual(['IDENTITY']);
});

test('the coordinates say what stands on them in its words', () => {
  expect(governBank().coordinates.slice(-2)).toMatchObject([
    { coordinate: 'Account.score', category: 'RISK', subject: 'ACCOUNT_HOLDER', requiresAgreement: ['SCHUFA'] },
    { coordinate: 'Account.clerk', category: 'IDENTITY', subject: 'EMPLOYEE', allow: ['FRAUD_DETECTION'] },
  ]);
});

test.each([
  [
    'a purpose that is not in the enum',
    'type A { x: String @personalData(category: ACCOUNT) @purposes(allow: [SUPPORT]) }',
    'A.x: @purposes is written wrongly: Argument "allow" has invalid value [SUPPORT].',
  ],
  [
    'a category that is not in the enum',
    'type A { x: String @personalData(category: NAME) @purposes(allow: [PAYMENTS]) }',
    'A.x: @personalData is written wrongly: Argument "category" has invalid value NAME.',
  ],
  [
    'an agreement that is not in the enum',
    'type A { x: String @personalData(category: ACCOUNT) @requiresAgreement(kind: HEALTH) }',
    'A.x: @requiresAgreement is written wrongly: Argument "kind" has invalid value HEALTH.',
  ],
  [
    'a subject that is not in the enum',
    'type A { x: String @personalData(category: ACCOUNT, subject: CUSTOMER) }',
    'A.x: @personalData is written wrongly: Argument "subject" has invalid value CUSTOMER.',
  ],
  [
    'a non-null field that leaves out one of its purposes',
    'type A { x: ID! @personalData(category: ACCOUNT) @purposes(allow: [PAYMENTS]) @deidentify(for: [MARKETING], by: PSEUDONYM) }',
    'A.x: it is non-null, but withheld for FRAUD_DETECTION; add @deidentify for these or make the field nullable',
  ],
])('govern refuses %s', (_, typeDefs, fault) => {
  const source = `${governanceTypeDefsFor(bank)} ${typeDefs} type Query { a: A @personalRows }`;
  expect(faultsOf(() => govern(buildSchema(source, { assumeValidSDL: true }), { pseudonymKey }))).toEqual([fault]);
});

test('words that are written by hand serve as well; those of an enum that is left out are the default ones', async () => {
  const schema = buildSchema(
    `enum ProcessingPurpose { CARE RESEARCH }
     type Query { patient: Patient @personalRows }
     type Patient { name: String @personalData(category: NAME) @purposes(allow: [CARE]) }`,
    { assumeValidSDL: true },
  );
  const governed = govern(withGovernanceDirectives(schema));
  const read = async (purpose: string) =>
    plainData(
      await governed.execute({
        document: `query @purpose(is: ${purpose}) { patient { name } }`,
        rootValue: { patient: { name: 'Ada' } },
        access: { principal: 'a.nurse', grantedPurposes: ['CARE', 'RESEARCH'] },
      }),
    );
  expect(await read('CARE')).toEqual({ patient: { name: 'Ada' } });
  expect(await read('RESEARCH')).toEqual({ patient: null });
  expect(governed.coordinates).toMatchObject([
    { coordinate: 'Query.patient', subject: 'CUSTOMER', allow: ['CARE'] },
    { coordinate: 'Patient.name', category: 'NAME', subject: 'CUSTOMER', allow: ['CARE'] },
  ]);
});

test('a type in place of an enum of the vocabulary is refused', () => {
  const schema = buildSchema(
    `scalar DataCategory type Query { x: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) }`,
    { assumeValidSDL: true },
  );
  expect(faultsOf(() => govern(schema))).toEqual([
    'DataCategory: it has to be the enum of categories; rename the type, or make it that enum',
  ]);
});

test('a definition of a directive that differs from that of the words is refused', () => {
  const wrong = governanceTypeDefsFor(bank).replace('subject: DataSubject! = ACCOUNT_HOLDER', 'subject: DataSubject');
  const faults = faultsOf(() => govern(buildSchema(`${wrong} ${bankTypeDefs}`), { pseudonymKey }));
  expect(faults[0]).toMatch(/^@personalData: the schema defines it as .* it must be .*DataSubject! = ACCOUNT_HOLDER/);
});

test('the words of the product are the default', () => {
  expect(governanceTypeDefsFor(defaultVocabulary)).toBe(governanceTypeDefs);
  expect(governanceTypeDefsFor()).toBe(governanceTypeDefs);
  const printed = printSchema(withGovernanceDirectives(buildSchema('type Query { x: Int }')));
  for (const purpose of Object.keys(defaultVocabulary.purposes)) expect(printed).toContain(`  ${purpose}\n`);
});
