import { buildSchema, getIntrospectionQuery } from 'graphql';
import { govern, governanceTypeDefs } from '../../src/governance/govern';
import {
  a,
  errorsOf,
  expectNoCanary,
  house,
  improvement,
  pitfallTypeDefs,
  plainData,
  rows,
  security,
  support,
} from './pitfall-schema';

const notPermitted = {
  code: 'PURPOSE_NOT_PERMITTED',
  coordinate: 'A.secret',
  purpose: 'SECURITY',
  rule: '@purposes(allow: [SUPPORT]) on A.secret',
};

function refusal(typeDefs: string): () => unknown {
  return () => govern(buildSchema(`${governanceTypeDefs}\n${typeDefs}`));
}

describe.each([{ plainSources: true }, { plainSources: false }])('%j', (options) => {
  const { run } = house(options);

  test.each([
    '{ node { secret } }',
    '{ node { ... on Node { secret } } }',
    'query { node { ...N } } fragment N on Node { secret }',
    '{ a { ... on Node { secret } } }',
    '{ a { ...N } } fragment N on Node { secret }',
    '{ u: node { ... on A { secret } ... on B { secret } } }',
  ])('pitfall 1: a rule on the object, selected through its interface: %s', async (document) => {
    const result = await run(document);
    expectNoCanary(result);
    expect(Object.values(result.data ?? {})).toEqual([{ secret: null }]);
    expect(errorsOf(result)).toMatchObject([{ ...notPermitted, rows: 1 }]);
    const clear = await run(document, support);
    expect(Object.values(clear.data ?? {})).toEqual([{ secret: 'canary-a' }]);
    expect(clear.errors).toBeUndefined();
  });

  test('pitfall 1: the implementer without a rule stays in the clear beside the one with it', async () => {
    const result = await run('{ nodes { __typename secret } }');
    expect(plainData(result)).toEqual({
      nodes: [
        { __typename: 'A', secret: null },
        { __typename: 'B', secret: 'open-b' },
        { __typename: 'A', secret: null },
      ],
    });
    expect(errorsOf(result)).toEqual([{ ...notPermitted, path: ['nodes', 0, 'secret'], rows: 2 }]);
  });

  test('pitfall 3: union members are decided one by one', async () => {
    const result = await run('{ us { ... on A { secret } ... on B { secret } ... on C { hidden label } } }');
    expectNoCanary(result);
    expect(plainData(result)).toEqual({ us: [{ secret: null }, { secret: 'open-b' }, { hidden: null, label: 'c' }] });
    expect(errorsOf(result).map(({ coordinate, rows: count }) => [coordinate, count])).toEqual([
      ['A.secret', 1],
      ['C.hidden', 1],
    ]);
  });

  test('pitfall 3: one response key means different fields on different types', async () => {
    const result = await run('{ us { ... on A { x: label } ... on B { x: secret } ... on C { x: hidden } } }');
    expect(plainData(result)).toEqual({ us: [{ x: 'a' }, { x: 'open-b' }, { x: null }] });
    const other = await run('{ us { ... on A { x: secret } ... on B { x: secret } ... on C { x: label } } }');
    expect(plainData(other)).toEqual({ us: [{ x: null }, { x: 'open-b' }, { x: 'c' }] });
    expect(errorsOf(other)).toEqual([{ ...notPermitted, path: ['us', 0, 'x'], rows: 1 }]);
  });

  test("pitfall 4: an alias that is an allowed field's name, and an allowed field under the governed one's", async () => {
    const result = await run('{ a { label: secret secret: label } }');
    expect(plainData(result)).toEqual({ a: { label: null, secret: 'a' } });
    expect(errorsOf(result)).toEqual([{ ...notPermitted, path: ['a', 'label'], rows: 1 }]);
  });

  test('pitfall 4: many aliases of a field on one row are one row, wherever rows between them are read', async () => {
    const result = await run(
      '{ a { x: secret y: secret peers { ... on B { owner { secret } } } z: secret } b: node { q: secret } }',
    );
    expectNoCanary(result);
    expect(errorsOf(result)).toMatchObject([{ ...notPermitted, rows: 2 }]);
    const between = await run('{ nodes { x: secret ... on A { owner { a { secret } } } y: secret } }', security, {});
    expect(errorsOf(between)).toMatchObject([{ rows: 2 }]);
  });

  test('pitfall 4: response keys with underscores that join like a path', async () => {
    // graphql-jit names a resolver's info by the path joined by underscores: the second would read the first's field.
    const documents = [
      '{ a { label_owner: secret owner { label } } }',
      '{ label_a: a { secret } a { label } }',
      '{ hidden_c: a { secret } c { hidden: label } }',
      '{ a { owner_x: label owner { x: label } x_owner: secret } }',
    ];
    for (const document of documents) {
      for (const access of [security, support]) {
        const result = await run(document, access);
        if (access === security) expectNoCanary(result);
        expect(plainData(result)).toEqual(
          [
            { a: { label_owner: access === support ? 'canary-a' : null, owner: { label: 'c' } } },
            { label_a: { secret: access === support ? 'canary-a' : null }, a: { label: 'a' } },
            { hidden_c: { secret: access === support ? 'canary-a' : null }, c: { hidden: 'c' } },
            { a: { owner_x: 'a', owner: { x: 'c' }, x_owner: access === support ? 'canary-a' : null } },
          ][documents.indexOf(document)],
        );
      }
    }
  });

  test('pitfall 4: __proto__ as a response key is a key like any other', async () => {
    const result = await run('{ a { __proto__: secret label } }', support);
    expect(JSON.stringify(result.data)).toBe('{"a":{"__proto__":"canary-a","label":"a"}}');
  });

  test('pitfall 7: fragments nested, reused under several parents and types', async () => {
    const document = `
      query { a { ...N owner { a { ...N } } } nodes { ...N } c { a { ...M } } }
      fragment N on Node { ...M peers { ...M } }
      fragment M on Node { secret label }
    `;
    const result = await run(document, security);
    expectNoCanary(result);
    // a and two of nodes; owner.a and c.a are null.
    expect(errorsOf(result)).toMatchObject([{ coordinate: 'A.secret', rows: 3 }]);
    expect(plainData(result)).toMatchObject({
      nodes: [{ secret: null, peers: [{ secret: 'open-b' }] }, { secret: 'open-b' }, {}],
    });
  });

  test('pitfall 7: operationName switched on one cached document', async () => {
    const document = 'query Open { a { label } } query Shut { a { secret } } mutation Change { relabel { done } }';
    for (let round = 0; round < 2; round++) {
      expect(plainData(await run(document, security, { operationName: 'Open' }))).toEqual({ a: { label: 'a' } });
      expect(plainData(await run(document, security, { operationName: 'Shut' }))).toEqual({ a: { secret: null } });
      expect(plainData(await run(document, support, { operationName: 'Shut' }))).toEqual({ a: { secret: 'canary-a' } });
      expect(plainData(await run(document, security, { operationName: 'Change' }))).toEqual({ relabel: null });
    }
  });

  test.each([{ operationName: 'Missing' }, {}])('pitfall 7: an operation that cannot be told: %j', async (more) => {
    const result = await run('query One { plain } query Two { plain }', support, more);
    expect(result.data).toBeUndefined();
    expect(errorsOf(result)).toMatchObject([{ code: 'OPERATION_RESOLUTION_FAILURE' }]);
  });

  test('pitfall 8: a condition of another operation does not matter to this one', async () => {
    const document =
      'query One { plain } query Two($on: Boolean!) { plain @include(if: $on) ...F } fragment F on Query { a @skip(if: $on) { label } }';
    expect(plainData(await run(document, support, { operationName: 'One' }))).toEqual({ plain: 'plain' });
    expect(plainData(await run(document, support, { operationName: 'Two', variableValues: { on: true } }))).toEqual({
      plain: 'plain',
    });
  });

  test('pitfall 8: @skip and @include never change what is allowed', async () => {
    const document =
      'query Q($on: Boolean! = true) { a { secret @include(if: $on) label @skip(if: $on) } plain @skip(if: true) }';
    expect(plainData(await run(document))).toEqual({ a: { secret: null } });
    expect(plainData(await run(document, security, { variableValues: { on: false } }))).toEqual({ a: { label: 'a' } });
    expect(plainData(await run(document, support))).toEqual({ a: { secret: 'canary-a' } });
    const skipped = await run('{ plain a @skip(if: true) { secret } }', { grantedPurposes: [] });
    expect(skipped.data).toBeNull();
    expect(errorsOf(skipped)).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  test('pitfall 8: one fragment spread twice under different conditions', async () => {
    const document = `
      query Q($one: Boolean!, $two: Boolean!) { x: a { ...F @include(if: $one) } y: a { ...F @include(if: $two) } z: a { ...F } }
      fragment F on A { secret label @skip(if: $one) }
    `;
    const read = async (one: boolean, two: boolean) =>
      plainData(await run(document, support, { variableValues: { one, two } }));
    const secret = 'canary-a';
    expect(await read(true, false)).toEqual({ x: { secret }, y: {}, z: { secret } });
    expect(await read(false, true)).toEqual({ x: {}, y: { secret, label: 'a' }, z: { secret, label: 'a' } });
    expect(await read(false, false)).toEqual({ x: {}, y: {}, z: { secret, label: 'a' } });
    expect(await read(true, true)).toEqual({ x: { secret }, y: { secret }, z: { secret } });
  });

  test('pitfall 8: variables missing or null', async () => {
    const required = await run('query Q($on: Boolean!) { plain @include(if: $on) }', support);
    expect(errorsOf(required)).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    const document = 'query Q($on: Boolean = true) { plain @include(if: $on) }';
    for (const on of [false, null, true, null, false]) {
      const result = await run(document, support, { variableValues: { on } });
      if (on === null) expect([result.data, errorsOf(result)]).toMatchObject([undefined, [{ code: 'BAD_USER_INPUT' }]]);
      else expect(plainData(result)).toEqual(on ? { plain: 'plain' } : {});
    }
    expect(plainData(await run(document, support))).toEqual({ plain: 'plain' });
  });

  test('pitfall 8: more conditions than forms are kept', async () => {
    const names = ['v', 'w', 'x', 'y', 'z'];
    const document = `query Q(${names.map((n) => `$${n}: Boolean!`).join()}) { a { ${names.map((n) => `${n}: secret @include(if: $${n})`).join(' ')} } }`;
    for (let round = 0; round < 64; round++) {
      const variableValues = Object.fromEntries(names.map((name, bit) => [name, ((round >> bit) & 1) === 1]));
      const result = await run(document, support, { variableValues });
      const wanted = names.filter((name) => variableValues[name]).map((name) => [name, 'canary-a']);
      expect(plainData(result)).toEqual({ a: Object.fromEntries(wanted) });
    }
  });

  test('pitfall 9: __typename and introspection beside a governed field', async () => {
    const document =
      '{ __schema { queryType { name } } __type(name: "C") { name } a { __typename t: __typename secret } us { __typename } }';
    const result = await run(document);
    expectNoCanary(result);
    expect(plainData(result)).toEqual({
      __schema: { queryType: { name: 'Query' } },
      __type: { name: 'C' },
      a: { __typename: 'A', t: 'A', secret: null },
      us: [{ __typename: 'A' }, { __typename: 'B' }, { __typename: 'C' }],
    });
    const refused = await run(document, { grantedPurposes: [] });
    expect(refused.data).toBeNull();
  });

  test('pitfall 9: the whole introspection query reads nothing governed and fits the limits', async () => {
    const result = await run(getIntrospectionQuery(), { grantedPurposes: [] });
    expect(result.errors).toBeUndefined();
    expect(result.extensions?.governance.withheld).toEqual([]);
  });

  test('pitfall 9: nothing is suggested', async () => {
    for (const document of [
      '{ a { secre } }',
      '{ c { hiddn } }',
      '{ ass { label } }',
      '{ a { labl: length(x: 1) } }',
      '{ us { ... on D { a } } }',
    ]) {
      const result = await run(document, { grantedPurposes: [] });
      expect(result.errors?.length).toBeGreaterThan(0);
      expect(JSON.stringify(result)).not.toMatch(/Did you mean|"secret|hidden|Node/);
    }
  });

  test('pitfall 10: a computed field inherits from what it is computed of', async () => {
    const result = await run('{ a { length } }');
    expect(plainData(result)).toEqual({ a: { length: null } });
    expect(errorsOf(result)).toEqual([{ ...notPermitted, coordinate: 'A.length', path: ['a', 'length'], rows: 1 }]);
    expect(plainData(await run('{ a { length } }', support))).toEqual({ a: { length: 8 } });
    // De-identified at its source, and nothing said of the derived field: withheld.
    const blurred = await run('{ a { length secret } }', improvement);
    expect(plainData(blurred)).toMatchObject({ a: { length: null, secret: expect.stringMatching(/^p_/) } });
  });

  test('pitfall 10: list roots are no back doors, nor lists of lists', async () => {
    const result = await run('{ as { secret grid } nodes { ... on A { grid } } a { grid } }');
    expectNoCanary(result);
    expect(plainData(result)).toMatchObject({ as: [{ secret: null, grid: null }], a: { grid: null } });
    expect(plainData(await run('{ a { grid } }', support))).toEqual({ a: { grid: [['canary-g']] } });
  });

  test("pitfall 11: a mutation's payload is read like any other, and nothing is changed for who may not read it", async () => {
    const { run: mutate, calls, governed } = house(options);
    const document = 'mutation { relabel(label: "new") { done a { secret label } } }';
    const result = await governed.execute({ document, access: security, rootValue: { relabel: { done: true, a } } });
    expect(plainData(result)).toEqual({ relabel: { done: true, a: { secret: null, label: 'a' } } });
    expect(errorsOf(result)).toMatchObject([{ ...notPermitted, path: ['relabel', 'a', 'secret'] }]);
    calls.length = 0;
    expect((await mutate(document, { grantedPurposes: [] })).data).toBeNull();
    expect(calls).toEqual([]);
  });

  test('pitfall 11: writing a field that one may not read, where the argument is bound to it', async () => {
    const { run: mutate, calls } = house(options);
    const result = await mutate('mutation { rename(secret: "x") { label } }');
    expect(plainData(result)).toEqual({ rename: null });
    expect(errorsOf(result)).toMatchObject([{ ...notPermitted, path: ['rename'], rows: 1 }]);
    expect(calls).toEqual([]);
    await mutate('mutation { rename(secret: "x") { label } }', support);
    expect(calls).toEqual(['Mutation.rename']);
  });
});

/** What every purpose may read of a row, so that the row is given. */
const seen =
  'seen: String @personalData(category: USAGE) @purposes(allow: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT])';

test('pitfall 2: a rule on the interface, not on the implementer', () => {
  const rule = '@personalData(category: NAME) @purposes(allow: [SUPPORT])';
  expect(
    refusal(`interface N { secret: String ${rule} } type A implements N { secret: String } type Query { n: N }`),
  ).toThrow("A.secret: weaker than N.secret: it carries no directive of its own; repeat the interface's directives");
});

test('pitfall 2: interfaces that implement interfaces', () => {
  const rule = '@personalData(category: NAME) @purposes(allow: [SUPPORT])';
  const wider = '@personalData(category: NAME) @purposes(allow: [SUPPORT, SECURITY])';
  expect(
    refusal(`
      interface N { secret: String ${rule} }
      interface M implements N { secret: String ${wider} }
      type A implements N & M { secret: String ${wider} }
      type Query { n: N }
    `),
  ).toThrow(
    /M\.secret: weaker than N\.secret: SECURITY reads it CLEAR instead of WITHHELD[\s\S]*A\.secret: weaker than N\.secret/,
  );
});

test('pitfall 2: what the interface says holds when it is selected through either interface', async () => {
  const rule = '@personalData(category: NAME) @purposes(allow: [SUPPORT])';
  const schema = buildSchema(`${governanceTypeDefs}
    interface N { secret: String ${rule} }
    interface M implements N { secret: String ${rule} }
    type A implements N & M { secret: String ${rule} ${seen} }
    type Query { n: N @personalRows m: M @personalRows }
  `);
  const rootValue = { n: { __typename: 'A', secret: 'canary' }, m: { __typename: 'A', secret: 'canary' } };
  const result = await govern(schema).execute({
    document: '{ n { secret } m { ... on N { secret } } }',
    access: security,
    rootValue,
  });
  expect(plainData(result)).toEqual({ n: { secret: null }, m: { secret: null } });
  expect(errorsOf(result)).toMatchObject([{ rows: 2, path: ['n', 'secret'] }]);
});

test.each([
  ['@personaldata(category: NAME)', 'A.x: @personaldata is not a known directive; write @personalData'],
  ['@personalData(kategory: NAME)', 'A.x: @personalData has no argument "kategory"; it takes category'],
  [
    '@personalData(category: NAMES)',
    'A.x: @personalData is written wrongly: Argument "category" has invalid value NAMES.',
  ],
  ['@personalData', 'A.x: @personalData is written wrongly'],
  ['@gdpr', 'A.x: @gdpr is not a known directive; define or remove it'],
])('pitfall 5: %s is refused at start, as builders accept it silently', (directive, message) => {
  const typeDefs = `${governanceTypeDefs}\n type A { x: String ${directive} } type Query { a: A }`;
  const schema = buildSchema(typeDefs, { assumeValid: true, assumeValidSDL: true });
  expect(() => govern(schema)).toThrow(message);
});

test('pitfall 5: a directive under the same name that means something else', () => {
  const schema = buildSchema(
    `directive @personalData(category: String) on FIELD_DEFINITION type A { x: String } type Query { a: A }`,
  );
  expect(() => govern(schema)).toThrow(
    '@personalData: the schema defines it as @personalData(category: String) on FIELD_DEFINITION; it must be ' +
      '@personalData(category: DataCategory!, subject: DataSubject! = CUSTOMER) on FIELD_DEFINITION',
  );
});

test('pitfall 6: a redeclared field that lost its directive, its scope, its agreement or its sources', () => {
  const type = (fields: string, own: string) =>
    refusal(
      `interface N { ${fields} } type A implements N { ${own} } type Query { n: N ${own.includes('@personalData') ? '@personalRows' : ''} }`,
    );
  const base = '@personalData(category: NAME) @purposes(allow: [SUPPORT])';
  expect(type(`x: Int ${base} @requiresScopes(scopes: [["s"]])`, `x: Int ${base}`)).toThrow(
    'A.x: weaker than N.x: it lacks @requiresScopes(scopes: [["s"]])',
  );
  expect(type(`x: Int ${base} @requiresAgreement(kind: HEALTH)`, `x: Int ${base}`)).toThrow(
    'A.x: weaker than N.x: it lacks @requiresAgreement(kind: HEALTH)',
  );
  expect(type(`x: Int ${base} y: Int @derivedFrom(fields: ["x"])`, `x: Int ${base} y: Int ${base}`)).toThrow(
    'A.y: weaker than N.y: it lacks @derivedFrom(fields: ["N.x"])',
  );
  expect(
    type(`x: Int ${base} y: Int @derivedFrom(fields: ["x"])`, `x: Int ${base} y: Int @derivedFrom(fields: ["x"])`),
  ).not.toThrow();
  expect(
    type(
      `x: Int ${base} @deidentify(for: [LEGAL], by: BUCKET)`,
      `x: Int ${base} @deidentify(for: [LEGAL], by: SUPPRESS)`,
    ),
  ).toThrow('A.x: weaker than N.x: LEGAL reads it by SUPPRESS instead of BUCKET');
  expect(type(`x: Int @requiresScopes(scopes: [["s"]])`, `x: Int @requiresScopes(scopes: [["s", "t"]])`)).not.toThrow();
});

test('pitfall 6: a redeclared argument that lost what binds it', () => {
  const schema = (own: string) =>
    refusal(`
      type P { x: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) }
      interface N { list(q: String @governedBy(field: "P.x", operators: [EQ])): [P] @personalRows }
      type A implements N { list(q: String ${own}): [P] @personalRows }
      type Query { n: N }
    `);
  expect(schema('')).toThrow('A.list: weaker than N.list: argument q lacks @governedBy(field: "P.x")');
  expect(schema('@governedBy(field: "P.x")')).toThrow(
    'A.list: weaker than N.list: argument q takes more operators than EQ',
  );
  expect(schema('@governedBy(field: "P.x", operators: [EQ, LT])')).toThrow('takes more operators');
  expect(schema('@governedBy(field: "P.x", operators: [EQ])')).not.toThrow();
});

test('pitfall 10: a field derived through an interface inherits from every implementer', async () => {
  const schema = buildSchema(`${governanceTypeDefs}
    interface N { x: String @personalData(category: NAME) @purposes(allow: [SUPPORT, SECURITY]) }
    type A implements N { x: String @personalData(category: NAME) @purposes(allow: [SUPPORT, SECURITY]) }
    type B implements N { x: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) }
    type Query { all: Int @derivedFrom(fields: ["N.x"]) }
  `);
  const { execute } = govern(schema);
  const run = (access = support) => execute({ document: '{ all }', access, rootValue: { all: 2 } });
  expect(plainData(await run())).toEqual({ all: 2 });
  const result = await run(security);
  expect(plainData(result)).toEqual({ all: null });
  expect(errorsOf(result)).toMatchObject([{ coordinate: 'Query.all', rule: '@purposes(allow: [SUPPORT]) on B.x' }]);
});

test('pitfalls: type and field names that join alike never share a resolver', async () => {
  const types = (a: string, b: string) => `
    type ${a} { bc: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) ${seen} }
    type ${b} { c: String }
    type Query { x: ${a} @personalRows y: ${b} }
  `;
  for (const plainSources of [true, false]) {
    const schema = buildSchema(`${governanceTypeDefs}\n${types('A', 'Ab')}`);
    const { execute } = govern(schema, { plainSources });
    for (const document of ['{ x { bc } y { c } }', '{ y { c } x { bc } }']) {
      const rootValue = { x: { bc: 'canary', c: 'canary' }, y: { c: 'open', bc: 'canary' } };
      const result = await execute({ document, access: security, rootValue });
      expect(plainData(result)).toEqual({ x: { bc: null }, y: { c: 'open' } });
      const clear = await execute({ document, access: support, rootValue });
      expect(plainData(clear)).toEqual({ x: { bc: 'canary' }, y: { c: 'open' } });
    }
  }
});

test('pitfalls: names of union members that join like a path', async () => {
  const schema = buildSchema(`${governanceTypeDefs}
    type Order_Item { c: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) open: String @nonPersonal(because: "x") ${seen} }
    type Item { parent: Order_Item @personalRows open: String }
    union U = Order_Item | Item
    type Query { x: [U] @personalRows }
  `);
  const rootValue = {
    x: [
      { __typename: 'Order_Item', c: 'canary', open: 'one' },
      { __typename: 'Item', parent: { c: 'canary', open: 'two' } },
    ],
  };
  const document = '{ x { ... on Order_Item { c } ... on Item { Order: parent { c: open } } } }';
  const result = await govern(schema).execute({ document, access: security, rootValue });
  expect(plainData(result)).toEqual({ x: [{ c: null }, { Order: { c: 'two' } }] });
});

test('pitfalls: a non-null governed field is refused at start', () => {
  expect(refusal(pitfallTypeDefs.replace('secret: String @personalData', 'secret: String! @personalData'))).toThrow(
    'A.secret: it is non-null, but withheld for SERVICE_DELIVERY, SECURITY, LEGAL; add @deidentify for these or make the field nullable',
  );
  expect(rows.a).toBe(a);
});
