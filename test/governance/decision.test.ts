import { buildSchema, parse } from 'graphql';
import { type Access, type Decision, govern, governanceTypeDefs } from '../../src/governance/govern';
import { codesOf, errorsOf, plainData } from './pitfall-schema';

const typeDefs = `
  type Person {
    name: String @personalData(category: NAME) @purposes(allow: [SUPPORT, LEGAL]) @deidentify(for: [IMPROVEMENT, LEGAL], by: PARTIAL)
    email: String @personalData(category: CONTACT) @purposes(allow: [SUPPORT])
    never: String @personalData(category: CONTACT)
    record: String @personalData(category: HEALTH) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: GENERALIZE) @requiresAgreement(kind: HEALTH)
    signed: String @personalData(category: HEALTH) @purposes(allow: [SUPPORT]) @requiresAgreement(kind: HEALTH)
    scoped: String @personalData(category: COMMERCE) @purposes(allow: [SUPPORT]) @requiresScopes(scopes: [["a", "b"], ["c"]])
    greeting: String @derivedFrom(fields: ["name"])
    initial: String @derivedFrom(fields: ["name"]) @deidentify(for: [IMPROVEMENT], by: PARTIAL)
    summary: String @derivedFrom(fields: ["name", "email", "record"])
    narrow: String @derivedFrom(fields: ["email"]) @purposes(allow: [LEGAL])
    deep: String @derivedFrom(fields: ["summary"])
    bmi: Int @derivedFrom(fields: ["Person.record"]) @personalData(category: DEMOGRAPHIC)
    id: ID! @personalData(category: ONLINE_IDENTIFIER) @purposes(allow: [SUPPORT]) @deidentify(for: [SERVICE_DELIVERY, SECURITY, LEGAL, IMPROVEMENT], by: PSEUDONYM)
    plain: String @nonPersonal(because: "x")
    seen: String @personalData(category: USAGE) @purposes(allow: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT])
  }
  type Vault @requiresScopes(scopes: [["vault"]]) { size: Int strict: Int! }
  type Query { person: Person @personalRows people: [Person] @personalRows vault: Vault plain: String }
`;

const schema = buildSchema(`${governanceTypeDefs}\n${typeDefs}`);
const governed = govern(schema, { pseudonymKey: 'per-access' });
const person = {
  name: 'Ada',
  email: 'ada@example.org',
  never: 'x',
  record: '2001-02-03',
  signed: 'signed',
  scoped: 'scoped',
  greeting: 'Hello Ada',
  initial: 'A.',
  summary: 'all',
  narrow: 'narrow',
  deep: 'deep',
  bmi: 21,
  id: '42',
  plain: 'plain',
};
const base: Access = {
  principal: 'p',
  purpose: 'SUPPORT',
  grantedPurposes: ['SUPPORT', 'LEGAL', 'IMPROVEMENT', 'SECURITY', 'SERVICE_DELIVERY'],
  agreements: ['HEALTH'],
  scopes: ['c', 'vault'],
  pseudonymKey: Buffer.from('key'),
};

const run = (
  document: string,
  access: Access = base,
  rootValue: unknown = { person, people: [person, person], vault: { size: 1, strict: 2 } },
) => governed.execute({ document, access, rootValue });

async function field(name: string, access: Partial<Access> = {}) {
  const result = await run(`{ person { ${name} } }`, { ...base, ...access });
  const value = (plainData(result) as { person: Record<string, unknown> } | null)?.person[name];
  const [error] = errorsOf(result);
  return error ? { value, code: error.code, rule: error.rule } : { value };
}

describe('point 1: who, and with which scope', () => {
  test.each([undefined, ''])(
    'no principal refuses the whole operation, before a purpose is asked for: %j',
    async (principal) => {
      const result = await run('{ plain person { plain email } }', { ...base, principal, purpose: undefined });
      expect([result.data, codesOf(result)]).toEqual([null, ['UNAUTHENTICATED']]);
      expect(result.errors?.[0]).toMatchObject({
        message: 'Personal data is given to authenticated callers only: send a bearer token.',
      });
      expect(result.errors?.[0]?.path).toBeUndefined();
    },
  );

  test.each([
    [['c'], true],
    [['a', 'b'], true],
    [['b', 'x', 'a'], true],
    [['a'], false],
    [['b'], false],
    [['ab'], false],
    [[], false],
    [undefined, false],
  ])('scopes are inner AND, outer OR: %j → %j', async (scopes, given) => {
    const withheld = {
      value: null,
      code: 'SCOPE_REQUIRED',
      rule: '@requiresScopes(scopes: [["a","b"],["c"]]) on Person.scoped',
    };
    expect(await field('scoped', { scopes })).toEqual(given ? { value: 'scoped' } : withheld);
  });

  test('a scope comes before the purpose', async () => {
    expect(await field('scoped', { scopes: [], purpose: 'LEGAL' })).toMatchObject({ code: 'SCOPE_REQUIRED' });
    expect(await field('scoped', { purpose: 'LEGAL' })).toMatchObject({ code: 'PURPOSE_NOT_PERMITTED' });
  });

  test('what only asks for a scope needs no purpose, yet a principal', async () => {
    const open = { principal: 'p', grantedPurposes: [], scopes: ['vault'] };
    expect(plainData(await run('{ vault { size } }', open))).toEqual({ vault: { size: 1 } });
    const none = await run('{ vault { size } }', { ...open, scopes: [] });
    expect([plainData(none), errorsOf(none)]).toEqual([
      { vault: { size: null } },
      [
        {
          code: 'SCOPE_REQUIRED',
          coordinate: 'Vault.size',
          path: ['vault', 'size'],
          purpose: null,
          rows: 1,
          rule: '@requiresScopes(scopes: [["vault"]]) on Vault.size',
        },
      ],
    ]);
    const nobody = await run('{ vault { size } }', { grantedPurposes: [], scopes: ['vault'] });
    expect([plainData(nobody), errorsOf(nobody)]).toMatchObject([
      { vault: { size: null } },
      [{ code: 'UNAUTHENTICATED', rule: 'GDPR Art. 32(1)(b)' }],
    ]);
  });

  test('a non-null field that a scope withholds takes its parent with it, and one error says why', async () => {
    const result = await run('{ plain vault { strict } }', { ...base, scopes: [] });
    expect(plainData(result)).toEqual({ plain: null, vault: null });
    expect(errorsOf(result)).toMatchObject([{ code: 'SCOPE_REQUIRED', path: ['vault', 'strict'], rows: 1 }]);
  });

  test('row rules are not asked for what only asks for a scope', async () => {
    const row = jest.fn(() => 'PROCESSING_RESTRICTED');
    expect(plainData(await run('{ vault { size } }', { ...base, row }))).toEqual({ vault: { size: 1 } });
    expect(row).not.toHaveBeenCalled();
  });
});

describe('point 2: a purpose, stated and granted', () => {
  test('none stated', async () => {
    const result = await run('{ person { email } }', { ...base, purpose: undefined });
    expect([result.data, errorsOf(result)]).toEqual([
      null,
      [{ path: undefined, code: 'PURPOSE_REQUIRED', purpose: null, rule: 'GDPR Art. 5(1)(b)' }],
    ]);
  });

  test('one that is not granted', async () => {
    const result = await run('{ person { email } }', { ...base, grantedPurposes: ['LEGAL'] });
    expect([result.data, errorsOf(result)]).toEqual([
      null,
      [{ path: undefined, code: 'PURPOSE_NOT_GRANTED', purpose: 'SUPPORT', rule: 'GDPR Art. 28(3)(a)' }],
    ]);
    expect(result.extensions?.governance).toMatchObject({
      purpose: 'SUPPORT',
      withheld: ['Person.email', 'Query.person'],
      deidentified: [],
    });
  });

  test('a refused operation lists what it would have read, sources of derived fields among it', async () => {
    const result = await run('{ vault { size } person { plain deep } }', { ...base, grantedPurposes: [] });
    expect(result.extensions?.governance.withheld).toEqual([
      'Person.name',
      'Person.email',
      'Person.record',
      'Person.summary',
      'Person.deep',
      'Query.person',
    ]);
  });

  test('nothing governed is reached, and nothing is refused', async () => {
    const result = await run('{ vault { __typename } plain }', { grantedPurposes: [], purpose: 'NONSENSE' });
    expect([plainData(result), result.errors]).toEqual([{ vault: { __typename: 'Vault' }, plain: null }, undefined]);
    expect(result.extensions?.governance).toMatchObject({ purpose: null, withheld: [], deidentified: [] });
  });
});

describe('where the purpose is stated', () => {
  const document = (purpose: string) => `query @purpose(is: ${purpose}) { person { email } }`;
  const email = 'ada@example.org';

  test('by header, by the document, or by both alike', async () => {
    for (const purpose of [undefined, '', 'SUPPORT']) {
      const result = await run(document('SUPPORT'), { ...base, purpose });
      expect([plainData(result), result.extensions?.governance.purpose]).toEqual([{ person: { email } }, 'SUPPORT']);
    }
  });

  test('both, and different', async () => {
    const result = await run(document('LEGAL'));
    expect(result.data).toBeUndefined();
    expect(result.errors?.map(({ message, extensions }) => [message, extensions])).toEqual([
      [
        'The header "processing-purpose" and @purpose on the operation differ; state one purpose.',
        { code: 'BAD_USER_INPUT' },
      ],
    ]);
  });
});

describe('point 3: the purpose is allowed, or the field de-identified', () => {
  test('allowed, de-identified, withheld', async () => {
    expect(await field('name')).toEqual({ value: 'Ada' });
    expect(await field('name', { purpose: 'IMPROVEMENT' })).toEqual({ value: 'A•••' });
    expect(await field('name', { purpose: 'SECURITY' })).toEqual({
      value: null,
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@purposes(allow: [SUPPORT, LEGAL]) on Person.name',
    });
  });

  test('@deidentify wins over @purposes where both name a purpose', async () => {
    expect(await field('name', { purpose: 'LEGAL' })).toEqual({ value: 'A•••' });
  });

  test('none stated, none allowed', async () => {
    expect(await field('never')).toEqual({
      value: null,
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@purposes(allow: []) on Person.never',
    });
  });

  test('law and agreement, which come before the statement, close a category', async () => {
    const prohibitions = [
      { category: 'CONTACT' as const, code: 'OUTSIDE_INSTRUCTION', rule: 'instruction 7' },
      { category: 'CONTACT' as const, code: 'LATER', rule: 'later' },
    ];
    expect(await field('email', { prohibitions })).toEqual({
      value: null,
      code: 'OUTSIDE_INSTRUCTION',
      rule: 'instruction 7',
    });
    expect(await field('email', { prohibitions, purpose: 'SECURITY' })).toMatchObject({ code: 'OUTSIDE_INSTRUCTION' });
    expect(await field('name', { prohibitions })).toEqual({ value: 'Ada' });
    expect(await field('narrow', { prohibitions, purpose: 'LEGAL' })).toMatchObject({ code: 'OUTSIDE_INSTRUCTION' });
    expect((await run('{ person { email } }', { ...base, prohibitions })).errors?.[0]?.message).toBe(
      'This field is withheld.',
    );
  });
});

describe('point 4: the agreement is in force', () => {
  const rule = (name: string) => `@requiresAgreement(kind: HEALTH) on Person.${name}`;
  test('without it, in the clear and de-identified alike', async () => {
    expect(await field('signed')).toEqual({ value: 'signed' });
    for (const agreements of [[], ['DPA'], undefined]) {
      expect(await field('signed', { agreements })).toEqual({
        value: null,
        code: 'AGREEMENT_REQUIRED',
        rule: rule('signed'),
      });
      expect(await field('record', { agreements, purpose: 'IMPROVEMENT' })).toEqual({
        value: null,
        code: 'AGREEMENT_REQUIRED',
        rule: rule('record'),
      });
    }
    expect(await field('record', { purpose: 'IMPROVEMENT' })).toEqual({ value: '2001-01-01' });
  });

  test('the purpose comes before it', async () => {
    expect(await field('signed', { agreements: [], purpose: 'LEGAL' })).toMatchObject({
      code: 'PURPOSE_NOT_PERMITTED',
    });
  });
});

describe('derived fields inherit the strictest of their sources', () => {
  test('a source in the clear', async () => {
    expect(await field('greeting')).toEqual({ value: 'Hello Ada' });
    expect(await field('summary')).toEqual({ value: 'all' });
    expect(await field('deep')).toEqual({ value: 'deep' });
  });

  test('a source withheld: its code and its rule', async () => {
    expect(await field('greeting', { purpose: 'SECURITY' })).toEqual({
      value: null,
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@purposes(allow: [SUPPORT, LEGAL]) on Person.name',
    });
    const unsigned = {
      value: null,
      code: 'AGREEMENT_REQUIRED',
      rule: '@requiresAgreement(kind: HEALTH) on Person.record',
    };
    expect(await field('summary', { agreements: [] })).toEqual(unsigned);
    expect(await field('deep', { agreements: [] })).toEqual(unsigned);
    expect(await field('bmi', { agreements: [] })).toEqual(unsigned);
  });

  test('a source de-identified: its own @deidentify, or withheld', async () => {
    expect(await field('greeting', { purpose: 'IMPROVEMENT' })).toEqual({
      value: null,
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@deidentify(for: [IMPROVEMENT], by: PARTIAL) on Person.name',
    });
    expect(await field('initial', { purpose: 'IMPROVEMENT' })).toEqual({ value: 'A•••' });
    expect(await field('initial', { purpose: 'LEGAL' })).toMatchObject({ value: null, code: 'PURPOSE_NOT_PERMITTED' });
    expect(await field('initial')).toEqual({ value: 'A.' });
    // Withheld sources come before de-identified ones.
    expect(await field('summary', { purpose: 'IMPROVEMENT' })).toMatchObject({
      rule: '@purposes(allow: [SUPPORT]) on Person.email',
    });
  });

  test('its own purposes hold as well', async () => {
    expect(await field('narrow')).toEqual({
      value: null,
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@purposes(allow: [LEGAL]) on Person.narrow',
    });
    expect(await field('narrow', { purpose: 'LEGAL' })).toMatchObject({
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@purposes(allow: [SUPPORT]) on Person.email',
    });
  });
});

describe('points 6 and 7: the row', () => {
  const refusing = (answer: unknown) => ({ row: () => answer as string });

  test('is asked for what is given, in the clear or not, once a field', async () => {
    const asked: unknown[] = [];
    const row = (source: unknown, coordinate: string) => void asked.push([source === person, coordinate]);
    await run('{ people { name email never plain } }', { ...base, purpose: 'IMPROVEMENT', row });
    expect(asked).toEqual([
      [true, 'Person.name'],
      [true, 'Person.name'],
    ]);
  });

  test.each([
    ['PROCESSING_RESTRICTED', 'PROCESSING_RESTRICTED', 'GDPR Art. 18(2), Art. 21(1), Art. 17(1)'],
    ['TRANSFER_NOT_AUTHORIZED', 'TRANSFER_NOT_AUTHORIZED', 'GDPR Art. 44'],
    ['OTHER', 'OTHER', 'row rule'],
    ['toString', 'toString', 'row rule'],
    [{ code: 'TRANSFER_NOT_AUTHORIZED', rule: 'UK GDPR Art. 46' }, 'TRANSFER_NOT_AUTHORIZED', 'UK GDPR Art. 46'],
    [null, 'PROCESSING_RESTRICTED', 'the row rule answered neither a code nor nothing'],
    ['', 'PROCESSING_RESTRICTED', 'the row rule answered neither a code nor nothing'],
    [false, 'PROCESSING_RESTRICTED', 'the row rule answered neither a code nor nothing'],
    [{ code: 'X' }, 'PROCESSING_RESTRICTED', 'the row rule answered neither a code nor nothing'],
    [{ rule: 'X' }, 'PROCESSING_RESTRICTED', 'the row rule answered neither a code nor nothing'],
    [Promise.resolve(), 'PROCESSING_RESTRICTED', 'the row rule answered neither a code nor nothing'],
  ])('withholds by whatever it answers: %j', async (answer, code, rule) => {
    expect(await field('email', refusing(answer))).toEqual({ value: null, code, rule });
  });

  test('a row rule that fails withholds', async () => {
    const row = () => {
      throw new Error('no state');
    };
    expect(await field('email', { row })).toEqual({
      value: null,
      code: 'PROCESSING_RESTRICTED',
      rule: 'the row rule failed',
    });
  });

  test('each row is its own', async () => {
    const other = { ...person, name: 'Bob', email: 'bob@example.org' };
    const row = (source: unknown) => (source === other ? 'PROCESSING_RESTRICTED' : undefined);
    const result = await run(
      '{ people { email name plain } }',
      { ...base, row },
      { people: [person, other, person, other] },
    );
    const given = { email: 'ada@example.org', name: 'Ada', plain: 'plain' };
    const held = { email: null, name: null, plain: 'plain' };
    expect(plainData(result)).toEqual({ people: [given, held, given, held] });
    expect(errorsOf(result)).toMatchObject([
      { coordinate: 'Person.email', rows: 2, path: ['people', 1, 'email'] },
      { coordinate: 'Person.name', rows: 2 },
    ]);
  });

  test('one row at two places counts twice', async () => {
    const result = await run('{ people { email x: email } person { email } }', { ...base, purpose: 'SECURITY' });
    expect(errorsOf(result)).toMatchObject([{ coordinate: 'Person.email', rows: 3 }]);
  });

  test('a non-null field gives its de-identified form instead, and says so', async () => {
    const prohibitions = [
      { category: 'ONLINE_IDENTIFIER' as const, code: 'TRANSFER_NOT_AUTHORIZED', rule: 'GDPR Art. 44' },
    ];
    for (const access of [refusing('PROCESSING_RESTRICTED'), { prohibitions }]) {
      const result = await run('{ person { id } }', { ...base, ...access });
      expect(plainData(result)).toEqual({ person: { id: expect.stringMatching(/^p_[\w-]{22}$/) } });
      expect(errorsOf(result)).toMatchObject([{ coordinate: 'Person.id', rows: 1 }]);
      expect(result.extensions?.governance).toMatchObject({ withheld: ['Person.id'], deidentified: [] });
    }
    expect(plainData(await run('{ person { id } }'))).toEqual({ person: { id: '42' } });
    const masked = await run('{ person { id } }', { ...base, purpose: 'LEGAL' });
    expect(masked.extensions?.governance).toMatchObject({ withheld: [], deidentified: ['Person.id'] });
    expect(masked.errors).toBeUndefined();
  });
});

describe('what the decision tells', () => {
  const decided = async (document: string, access: Access = base): Promise<Decision> => {
    let decision: Decision | undefined;
    const telling = govern(schema, {
      pseudonymKey: 'per-access',
      contextWith: (context, made) => {
        if (context === 'context') decision = made;
        return context;
      },
    });
    await telling.execute({ document, access, contextValue: 'context', rootValue: {} });
    if (!decision) throw new Error('no decision was told');
    return decision;
  };

  test('what may be fetched: all that is selected but what is withheld', async () => {
    const decision = await decided('{ person { name email never id plain deep } people { scoped } vault { size } }', {
      ...base,
      purpose: 'LEGAL',
      scopes: [],
    });
    expect([...decision.readable('Person')].sort()).toEqual(['id', 'name', 'plain']);
    expect([...decision.readable('Query')].sort()).toEqual(['people', 'person', 'vault']);
    expect([...decision.readable('Vault')]).toEqual([]);
    expect([...decision.readable('Nothing')]).toEqual([]);
    expect(decision.readable('Person')).toBe(decision.readable('Person'));
    const withheld = await decided('{ person { id email } }', {
      ...base,
      prohibitions: [{ category: 'ONLINE_IDENTIFIER', code: 'X', rule: 'x' }],
    });
    expect([...withheld.readable('Person')].sort()).toEqual(['email', 'id']);
  });

  test('nothing is decided of what the plan does not reach', async () => {
    const decision = await decided('{ person { email } }');
    const reached = governed.coordinates
      .filter((_, index) => decision.verdicts[index])
      .map(({ coordinate }) => coordinate);
    expect(reached).toEqual(['Person.email', 'Query.person']);
  });

  test('a refusal is not told as a decision, since nothing is fetched', async () => {
    await expect(decided('{ person { email } }', { grantedPurposes: [] })).rejects.toThrow('no decision was told');
  });

  test('an id that is the same for the same facts, and another for others', async () => {
    const id = async (document = '{ person { email } }', access: Access = base) =>
      (await run(document, access)).extensions?.governance.decisionId;
    const one = await id();
    expect(one).toMatch(/^[\w-]{22}$/);
    expect(await id()).toBe(one);
    expect(await id('{ person { email x: email } }')).toBe(one);
    expect(await id('query Named { person { email } }')).not.toBe(one);
    expect(await id('{ person { email name } }')).not.toBe(one);
    for (const access of [
      { purpose: 'LEGAL' },
      { scopes: [] },
      { agreements: [] },
      { policyVersion: '2' },
      { prohibitions: [] },
      { principal: '' },
      { grantedPurposes: [] },
    ]) {
      expect(await id(undefined, { ...base, ...access })).not.toBe(one);
    }
    // Who asks is no part of what is decided.
    expect(await id(undefined, { ...base, principal: 'another', client: 'another' })).toBe(one);
  });

  test('the policy version, with that of the grants where one is given', async () => {
    const version = async (access: Access) => (await run('{ plain }', access)).extensions?.governance.policyVersion;
    expect(await version(base)).toBe(governed.policyVersion);
    expect(await version({ ...base, policyVersion: 'grants-3' })).toBe(`${governed.policyVersion}.grants-3`);
  });

  test('what decides a field in the clear', () => {
    const explained = governed.explain({ document: '{ person { name greeting } vault { size } }', access: base });
    expect(explained.map(({ coordinate, outcome, rule }) => [coordinate, outcome, rule])).toEqual([
      ['Person.name', 'CLEAR', '@purposes(allow: [SUPPORT, LEGAL]) on Person.name'],
      ['Person.greeting', 'CLEAR', '@derivedFrom on Person.greeting'],
      ['Vault.size', 'CLEAR', '@requiresScopes'],
      ['Query.person', 'CLEAR', '@personalRows on Query.person'],
    ]);
  });

  test('a decision for a document is made once for the same facts', async () => {
    const decisions = new Set<Decision>();
    const telling = govern(schema, {
      pseudonymKey: 'per-access',
      contextWith: (_, decision) => void decisions.add(decision),
    });
    const document = parse('{ person { email name } }');
    for (let i = 0; i < 3; i++)
      await telling.execute({ document, access: { ...base, principal: `p${i}` }, rootValue: {} });
    expect(decisions.size).toBe(1);
    await telling.execute({ document, access: { ...base, purpose: 'LEGAL' }, rootValue: {} });
    expect(decisions.size).toBe(2);
  });

  test('a decision is kept with its basis, for the purpose stated with it and the document', async () => {
    const access = { ...base, basis: {} };
    const codes = async (document: string, asker: Access) =>
      ((await governed.execute({ document, access: asker, rootValue: {} })).errors ?? []).map(
        ({ extensions }) => extensions.code,
      );
    const document = '{ person { email } }';
    const first = await codes(document, access);
    expect(await codes(document, access)).toEqual(first);
    expect(await codes(document, { ...access, purpose: 'SECURITY' })).toEqual(
      await codes(document, { ...base, purpose: 'SECURITY' }),
    );
    expect(await codes(document, access)).toEqual(first);
    const stated = 'query @purpose(is: LEGAL) { person { email } }';
    expect(await codes(stated, access)).toEqual(['BAD_USER_INPUT']);
    expect(await codes(stated, { ...access, purpose: undefined })).toEqual(
      await codes(stated, { ...base, purpose: undefined }),
    );
  });
});

test('errors carry coordinate, purpose, rule, rows and the message of their code', async () => {
  const result = await run('{ people { email } }', { ...base, purpose: 'SECURITY' });
  expect(JSON.parse(JSON.stringify(result.errors))).toEqual([
    {
      message: 'The stated purpose may not read this field.',
      path: ['people', 0, 'email'],
      extensions: {
        code: 'PURPOSE_NOT_PERMITTED',
        coordinate: 'Person.email',
        purpose: 'SECURITY',
        rule: '@purposes(allow: [SUPPORT]) on Person.email',
        rows: 2,
        pattern: ['people', '@', 'email'],
      },
    },
  ]);
});

test('errors are only for what was met', async () => {
  const access = { ...base, purpose: 'SECURITY' };
  const result = await run('query { person { email name } people { email @include(if: false) } }', access, {
    person: null,
    people: [person],
  });
  expect([plainData(result), result.errors, result.extensions?.governance.withheld]).toEqual([
    { person: null, people: [{}] },
    undefined,
    [],
  ]);
});
