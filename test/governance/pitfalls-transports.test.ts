import { execute as bareExecute, type GraphQLObjectType, graphql, parse } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { type Access, type GovernedResult, govern } from '../../src/governance/govern';
import {
  a,
  codesOf,
  errorsOf,
  expectNoCanary,
  house,
  improvement,
  plainData,
  pseudonymKey,
  rows,
  security,
  support,
} from './pitfall-schema';

/** A source that hands out what it is given, and notes when it is closed. */
function source() {
  const waiting: Array<(result: IteratorResult<unknown>) => void> = [];
  const state = { closed: false };
  const iterator: AsyncIterableIterator<unknown> = {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    return: async () => {
      state.closed = true;
      for (const resolve of waiting.splice(0)) resolve({ done: true, value: undefined });
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  const emit = (value: unknown) => waiting.shift()?.({ done: false, value });
  return { iterator, emit, state };
}

function isStream(
  opened: AsyncGenerator<GovernedResult, void, void> | GovernedResult,
): opened is AsyncGenerator<GovernedResult, void, void> {
  return Symbol.asyncIterator in opened;
}

async function subscribed(document: string, accesses: Access[], events = source()) {
  const { governed } = house(
    {},
    { 'Subscription.changed': () => events.iterator, 'Subscription.said': () => events.iterator },
  );
  let asked = 0;
  const opened = await governed.subscribe({
    document,
    access: () => accesses[Math.min(asked++, accesses.length - 1)] ?? support,
  });
  const next = async (value: unknown): Promise<GovernedResult | undefined> => {
    if (!isStream(opened)) throw new Error('not a stream');
    const result = opened.next();
    await Promise.resolve();
    events.emit(value);
    const { value: answer } = await result;
    return answer ?? undefined;
  };
  return { opened, next, events };
}

test('pitfall 15: a document object that was never parsed here is checked like any text', async () => {
  const { governed } = house({ limits: { depth: 3 } });
  const deep = parse('{ a { peers { peers { peers { label } } } } }');
  expect(codesOf(await governed.execute({ document: deep, access: support, rootValue: rows }))).toEqual([
    'OPERATION_TOO_LARGE',
  ]);
  const wrong = parse('{ a { nothing } }');
  expect(codesOf(await governed.execute({ document: wrong, access: support, rootValue: rows }))).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
  ]);
});

test('pitfall 16: each event is decided by the rights of its own moment', async () => {
  const { next, events } = await subscribed('subscription { changed { secret label } }', [
    support,
    support,
    security,
    improvement,
  ]);
  expect(plainData((await next({ changed: a })) ?? {})).toEqual({ changed: { secret: 'canary-a', label: 'a' } });
  const second = await next({ changed: a });
  expectNoCanary(second);
  expect(plainData(second ?? {})).toEqual({ changed: { secret: null, label: 'a' } });
  expect(plainData((await next({ changed: a })) ?? {})).toMatchObject({
    changed: { secret: expect.stringMatching(/^p_/) },
  });
  expect(events.state.closed).toBe(false);
});

test.each([
  ['revoked', { principal: 'p', purpose: 'SUPPORT', grantedPurposes: [] }, 'PURPOSE_NOT_GRANTED'],
  ['signed out', { purpose: 'SUPPORT', grantedPurposes: ['SUPPORT'] }, 'UNAUTHENTICATED'],
])('pitfall 16: a right that is %s ends the stream with one last word', async (_, access, code) => {
  const { opened, next, events } = await subscribed('subscription { changed { secret } }', [support, access]);
  const last = await next({ changed: a });
  expectNoCanary(last);
  expect([last?.data, codesOf(last ?? {})]).toEqual([null, [code]]);
  expect(events.state.closed).toBe(true);
  expect(isStream(opened) && (await opened.next()).done).toBe(true);
});

test('pitfall 16: rights that cannot be found out end the stream too', async () => {
  const events = source();
  const { governed } = house({}, { 'Subscription.changed': () => events.iterator });
  let asked = 0;
  const opened = await governed.subscribe({
    document: 'subscription { changed { label } }',
    access: async () => {
      if (asked++ > 0) throw new Error('canary');
      return support;
    },
  });
  if (!isStream(opened)) throw new Error('not a stream');
  const result = opened.next();
  events.emit({ changed: a });
  const { value } = await result;
  expectNoCanary(value);
  expect(codesOf(value ?? {})).toEqual(['INTERNAL_SERVER_ERROR']);
  expect(events.state.closed).toBe(true);
});

test('pitfall 16: who leaves releases the source at once, while it waits', async () => {
  const { opened, events } = await subscribed('subscription { changed { label } }', [support]);
  if (!isStream(opened)) throw new Error('not a stream');
  const pending = opened.next();
  await opened.return();
  expect(events.state.closed).toBe(true);
  expect((await pending).done).toBe(true);
});

test('pitfall 16: a subscription that is refused opens no source', async () => {
  const { opened } = await subscribed('subscription { changed { secret } }', [{ grantedPurposes: [] }]);
  expect(codesOf(opened as GovernedResult)).toEqual(['UNAUTHENTICATED']);
  const { opened: withheld, events } = await subscribed('subscription { said }', [security]);
  expect(errorsOf(withheld as GovernedResult)).toMatchObject([
    { code: 'PURPOSE_NOT_PERMITTED', coordinate: 'Subscription.said', path: ['said'] },
  ]);
  expect((withheld as GovernedResult).data).toBeNull();
  expect(events.state.closed).toBe(false);
});

test('pitfall 16: a governed field at the root of a subscription is given as its purpose allows', async () => {
  const clear = await subscribed('subscription { said }', [support]);
  expect(plainData((await clear.next({ said: 'canary' })) ?? {})).toEqual({ said: 'canary' });
  const masked = await subscribed('subscription { said }', [improvement]);
  const result = await masked.next({ said: 'canary' });
  expectNoCanary(result);
  expect(plainData(result ?? {})).toEqual({ said: expect.stringMatching(/^p_/) });
});

test('pitfall 16: a source that is none says nothing of itself', async () => {
  const { governed } = house({}, { 'Subscription.changed': () => ({ secret: 'canary' }) });
  const opened = (await governed.subscribe({
    document: 'subscription { changed { label } }',
    access: () => support,
  })) as GovernedResult;
  expectNoCanary(opened);
  expect(opened).toMatchObject({ data: null, errors: [{ message: 'Internal server error' }] });
  const { governed: failing } = house({}, { 'Subscription.changed': () => Promise.reject(new Error('canary')) });
  expectNoCanary(await failing.subscribe({ document: 'subscription { changed { label } }', access: () => support }));
});

test('pitfall 16: a query that comes over a subscription transport is one result', async () => {
  const { governed } = house();
  const result = await governed.subscribe({ document: '{ __typename }', access: () => security });
  expect(result).toMatchObject({ data: { __typename: 'Query' } });
});

test('pitfall 18: what is cached of one access is not given to another', async () => {
  const { run, governed } = house();
  const document = '{ a { secret owner { hidden age } } }';
  const base: Access = { principal: 'p', purpose: 'SUPPORT', grantedPurposes: ['SUPPORT'] };
  const secretFor = async (access: Access) => {
    const result = await run(document, access);
    return (plainData(result) as { a: { secret: unknown } } | null)?.a.secret ?? codesOf(result);
  };
  expect(await secretFor(base)).toBe('canary-a');
  expect(await secretFor({ ...base, principal: undefined })).toEqual(['UNAUTHENTICATED']);
  expect(await secretFor({ ...base, principal: '' })).toEqual(['UNAUTHENTICATED']);
  expect(await secretFor({ ...base, ...JSON.parse('{"principal":null}') })).toEqual(['UNAUTHENTICATED']);
  expect(await secretFor({ ...base, grantedPurposes: [] })).toEqual(['PURPOSE_NOT_GRANTED']);
  expect(await secretFor({ ...base, purpose: undefined })).toEqual(['PURPOSE_REQUIRED']);
  expect(await secretFor({ ...base, purpose: 'SECURITY' })).toEqual(['PURPOSE_NOT_GRANTED']);
  const prohibitions = [{ category: 'NAME' as const, code: 'OUTSIDE_INSTRUCTION', rule: 'instruction 1' }];
  expect(await secretFor({ ...base, prohibitions })).toEqual(['OUTSIDE_INSTRUCTION']);
  expect(await secretFor(base)).toBe('canary-a');
  const ids = new Set<unknown>();
  for (const access of [
    base,
    { ...base, policyVersion: '2' },
    { ...base, prohibitions },
    { ...base, scopes: ['x'] },
    { ...base, agreements: ['DPA'] },
  ]) {
    ids.add((await run(document, access)).extensions?.governance.decisionId);
  }
  expect(ids.size).toBe(5);
  expect((await run(document, { ...base, policyVersion: '2' })).extensions?.governance.policyVersion).toBe(
    `${governed.policyVersion}.2`,
  );
});

test('pitfall 18: requests at the same time do not share their rows, counts or contexts', async () => {
  const later = <T>(value: T) => new Promise<T>((resolve) => setTimeout(resolve, Math.random() * 5, value));
  const contexts = new Set<unknown>();
  const { run } = house(
    {},
    {
      'Query.a': (source, _, context) => {
        contexts.add(context);
        return later((source as typeof rows).a);
      },
    },
  );
  const accesses = Array.from({ length: 60 }, (_, i) => [support, security, improvement][i % 3] ?? support);
  const results = await Promise.all(
    accesses.map((access, i) => run('{ a { secret } }', access, { contextValue: { i } })),
  );
  for (const [i, result] of results.entries()) {
    const { secret } = (plainData(result) as { a: { secret: string | null } }).a;
    if (accesses[i] === support) expect([secret, result.errors]).toEqual(['canary-a', undefined]);
    else if (accesses[i] === security) expect([secret, errorsOf(result)]).toMatchObject([null, [{ rows: 1 }]]);
    else expect(secret).toMatch(/^p_/);
  }
  expect([...contexts]).toHaveLength(60);
});

test('pitfall 18: pseudonyms are keyed by client, and rows by the access that asks', async () => {
  const { run } = house();
  const read = async (access: Access) =>
    (plainData(await run('{ a { secret } }', access)) as { a: { secret: string | null } }).a.secret;
  const one = await read({ ...improvement, client: 'one' });
  expect(await read({ ...improvement, client: 'two' })).not.toBe(one);
  expect(await read({ ...improvement, client: 'one' })).toBe(one);
  expect(await read({ ...support, row: () => 'PROCESSING_RESTRICTED' })).toBeNull();
  expect(await read(support)).toBe('canary-a');
});

test('pitfall 18: no pseudonym is made without a key that is meant for it', async () => {
  const told: unknown[] = [];
  const { run } = house({ pseudonymKey: 'per-access', onInternalError: (error) => told.push(error) });
  const result = await run('{ a { secret seen } }', improvement);
  expectNoCanary(result);
  expect([plainData(result), codesOf(result)]).toEqual([
    { a: { secret: null, seen: null } },
    ['INTERNAL_SERVER_ERROR'],
  ]);
  expect(String((told[0] as Error).cause ?? told[0])).toContain('the access brings no pseudonymKey');
  const keyed = await run('{ a { secret } }', { ...improvement, pseudonymKey });
  expect(plainData(keyed)).toEqual({ a: { secret: expect.stringMatching(/^p_/) } });
});

test('pitfall 19: a guarded schema gives nothing governed to an executor that brings no decision', async () => {
  for (const plainSources of [true, false]) {
    const { schema } = house({ plainSources });
    const document = parse('{ a { secret label grid length } as(sort: NAMED) { label } us { ... on C { hidden } } }');
    const nothing = { a: null, as: null, us: null };
    const bare = await bareExecute({ schema, document, rootValue: rows });
    expect(plainData(bare)).toEqual(nothing);
    expect(bare.errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual(
      ['a', 'as', 'us'].map((key) => [[key], 'GOVERNANCE_NOT_WIRED']),
    );
    expect(bare.errors?.[0]?.message).toMatch(/^Query\.a is governed, and nothing decided whether it may be read/);
    const forged = { outcome: () => 'CLEAR', decision: { verdicts: [] }, access: support };
    expect(
      plainData(await graphql({ schema, source: '{ a { secret } }', rootValue: rows, contextValue: forged })),
    ).toEqual({ a: null });
    const compiled = compileQuery(schema, document, '');
    if (!isCompiledQuery(compiled)) throw new Error('does not compile');
    expect(plainData(await compiled.query(rows, forged, {}))).toEqual(nothing);
    const strict = await graphql({ schema, source: '{ first(secretIs: "x") }', rootValue: rows });
    expect(strict.data).toBeNull();
    expectNoCanary(strict.errors?.map(({ message }) => message));
    expect(strict.errors?.[0]?.extensions).toEqual({ code: 'GOVERNANCE_NOT_WIRED' });
    const changed = await graphql({ schema, source: '{ plain }', rootValue: rows });
    expect(plainData(changed)).toEqual({ plain: 'plain' });
  }
});

test('pitfall 19: a schema governed twice is guarded once', async () => {
  const { schema, calls } = house();
  const again = govern(schema, { pseudonymKey });
  expect(plainData(await again.execute({ document: '{ a { secret } }', access: support, rootValue: rows }))).toEqual({
    a: { secret: 'canary-a' },
  });
  expect(calls).toEqual(['Query.a']);
});

test('pitfall 19: an access that says nothing is refused', async () => {
  const { run, calls } = house();
  const result = await run('{ a { secret label } plain }', { grantedPurposes: [] });
  expect(result.data).toBeNull();
  expect(errorsOf(result)).toEqual([
    { path: undefined, code: 'UNAUTHENTICATED', purpose: null, rule: 'GDPR Art. 32(1)(b)' },
  ]);
  expect(result.extensions?.governance).toMatchObject({
    withheld: ['A.secret', 'Query.a'],
    deidentified: [],
    purpose: null,
    auditId: null,
  });
  expect(calls).toEqual([]);
  const broken = await run('{ a { secret } }', { principal: 'p', purpose: 'SUPPORT', ...JSON.parse('{}') });
  expect([broken.data, codesOf(broken)]).toEqual([null, ['INTERNAL_SERVER_ERROR']]);
});

test('pitfall 19: what is not governed needs no purpose', async () => {
  const { run } = house();
  expect(plainData(await run('{ plain b { secret } }', { grantedPurposes: [] }))).toEqual({
    plain: 'plain',
    b: { secret: 'open-b' },
  });
});

test.each([
  'support',
  'Support',
  'SUPPORT ',
  ' SUPPORT',
  'SUPРORT',
  'SUPPORT,SECURITY',
  'SUPPORT, SUPPORT',
  'toString',
  '__proto__',
  'CLEAR',
])('pitfall 20: %j is no purpose, even where it is granted', async (purpose) => {
  const { run } = house();
  const result = await run('{ a { secret } }', { principal: 'p', purpose, grantedPurposes: [purpose, 'SUPPORT'] });
  expect([result.data, codesOf(result), result.extensions?.governance.purpose]).toEqual([
    null,
    ['PURPOSE_NOT_GRANTED'],
    null,
  ]);
  expect(JSON.stringify(result.errors)).not.toContain(purpose);
});

test('pitfall 20: an empty purpose is none, and two that differ are refused', async () => {
  const { run } = house();
  expect(codesOf(await run('{ a { secret } }', { ...support, purpose: '' }))).toEqual(['PURPOSE_REQUIRED']);
  const stated = 'query @purpose(is: SUPPORT) { a { secret } }';
  expect(plainData(await run(stated, { ...support, purpose: '' }))).toEqual({ a: { secret: 'canary-a' } });
  expect(plainData(await run(stated, support))).toEqual({ a: { secret: 'canary-a' } });
  const differ = await run(stated, security);
  expect([differ.data, codesOf(differ)]).toEqual([undefined, ['BAD_USER_INPUT']]);
  expect(codesOf(await run(stated, { ...support, purpose: 'support' }))).toEqual(['BAD_USER_INPUT']);
  expect(codesOf(await run('query @purpose(is: support) { a { secret } }', support))).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
  ]);
  expect(codesOf(await run('query @purpose(is: SUPPORT) @purpose(is: SECURITY) { a { secret } }', support))).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
  ]);
});

test('pitfall 22: one error per coordinate and reason, however many rows', async () => {
  const { governed } = house();
  const many = Array.from({ length: 5_000 }, (_, i) => ({ __typename: 'A', secret: `canary-${i}`, i }));
  const row = (source: unknown) =>
    [undefined, 'PROCESSING_RESTRICTED', { code: 'TRANSFER_NOT_AUTHORIZED', rule: 'Art. 45' }][
      (source as { i: number }).i % 3
    ];
  const result = await governed.execute({
    document: '{ nodes { x: secret ... on A { y: secret } } }',
    access: { ...support, row },
    rootValue: { nodes: many },
  });
  expect(errorsOf(result)).toEqual([
    {
      code: 'PROCESSING_RESTRICTED',
      coordinate: 'A.secret',
      path: ['nodes', 1, 'x'],
      purpose: 'SUPPORT',
      rule: 'GDPR Art. 18(2), Art. 21(1), Art. 17(1)',
      rows: 1667,
    },
    {
      code: 'TRANSFER_NOT_AUTHORIZED',
      coordinate: 'A.secret',
      path: ['nodes', 2, 'x'],
      purpose: 'SUPPORT',
      rule: 'Art. 45',
      rows: 1666,
    },
  ]);
  expect(result.extensions?.governance.withheld).toEqual(['A.secret']);
});

test('an error’s path is a place in the response, as GraphQL’s specification has it, and its pattern stands for all', async () => {
  const { governed } = house();
  const result = await governed.execute({
    document: '{ nodes { ... on A { grid peers { secret } } } }',
    access: security,
    rootValue: { nodes: [{ __typename: 'B' }, { __typename: 'A', peers: [{ __typename: 'B' }, a] }] },
  });
  expect(result.errors?.map(({ path, extensions }) => [path, extensions.pattern])).toEqual([
    [
      ['nodes', 1, 'grid'],
      ['nodes', '@', 'grid'],
    ],
    [
      ['nodes', 1, 'peers', 1, 'secret'],
      ['nodes', '@', 'peers', '@', 'secret'],
    ],
  ]);
  const at = (path: ReadonlyArray<string | number> = []) =>
    path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], result.data);
  for (const { path } of result.errors ?? []) expect(at(path)).toBeNull();
});

test('a refused argument has an error of its own, that names it and what it reads', async () => {
  const { run } = house();
  const result = await run(
    '{ as(filter: {secret: {eq: "canary"}, hidden: "canary"}) { label } a { secret } }',
    security,
  );
  expectNoCanary(result);
  const why = 'The stated purpose may not read this field.';
  expect(result.errors?.map(({ message, path, extensions }) => [message, path, extensions.argument])).toEqual([
    [`The argument Query.as(filter:) reads A.secret: ${why}`, ['as'], 'Query.as(filter:)'],
    [`The argument Query.as(filter:) reads C.hidden: ${why}`, ['as'], 'Query.as(filter:)'],
    [why, ['a', 'secret'], undefined],
  ]);
});

test('pitfall 24: a value is masked before anything beside the resolver sees it', async () => {
  const decisions: unknown[] = [];
  const { governed, schema } = house({
    contextWith: (context, decision) => {
      decisions.push(decision);
      return context;
    },
  });
  const asked: unknown[] = [];
  const access: Access = {
    ...improvement,
    pseudonymKey: Buffer.from('one'),
    row: (row, coordinate) => void asked.push([row === a, coordinate]),
  };
  const result = await governed.execute({ document: '{ a { secret x: secret } }', access, rootValue: rows });
  expectNoCanary([result, decisions]);
  expect(asked).toEqual([
    [true, 'A.secret'],
    [true, 'A.secret'],
  ]);
  expect(result.extensions?.governance).toMatchObject({ deidentified: ['A.secret'], withheld: [] });
  expect((schema.getType('A') as GraphQLObjectType).getFields().secret?.extensions).toEqual({});
});

test('pitfall 24: tokens are stable within a client and never shared across clients', async () => {
  const { run } = house();
  const token = async (access: Access) =>
    plainData(await run('{ a { secret } node { secret } }', access)) as {
      a: { secret: string };
      node: { secret: string };
    };
  const { a: first, node } = await token({ ...improvement, pseudonymKey: Buffer.from('one') });
  expect(first).toEqual(node);
  expect((await token({ ...improvement, pseudonymKey: Buffer.from('two') })).a).not.toEqual(first);
  expect((await token({ ...improvement, client: 'one' })).a).not.toEqual(
    (await token({ ...improvement, client: 'two' })).a,
  );
});

test('pitfall 24: a de-identified field is no key to filter by', async () => {
  const { run, calls } = house();
  const result = await run('{ as(filter: {secret: {eq: "canary-a"}}) { label } }', improvement);
  expect(plainData(result)).toEqual({ as: null });
  expect(calls).toEqual([]);
});
