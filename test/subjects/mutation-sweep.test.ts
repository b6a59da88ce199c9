import { type GraphQLObjectType, getNamedType } from 'graphql';
import { governContracts } from '../../src/app';
import { allPurposes, type ProcessingPurpose } from '../../src/governance/vocabulary';
import { type Role, roles } from '../../src/identity/caller';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { type Case, inputs, type Target } from './sweep/inputs';
import { allStates, personal, plant, type State } from './sweep/people';

type Purpose = ProcessingPurpose | undefined;

const few: readonly Purpose[] = ['SUPPORT', 'LEGAL'];

const everything = `query ($id: ID!) { customer(id: $id) {
  id email residency gender externalId postalAddress { city } attributes { value }
} }`;

/** SQLite goes through everything; MariaDB through what differs most. */
const breadth = {
  SQLite: {
    roles: [...roles, undefined] as Array<Role | undefined>,
    purposes: [...allPurposes, undefined] as Purpose[],
    others: ['SUPPORT'] as Purpose[],
    least: 3_500,
  },
  MariaDB: {
    roles: ['CLIENT_AGENT', 'CLIENT_ADMIN', 'PLATFORM_PRIVACY_OFFICER'] as Array<Role | undefined>,
    purposes: ['SUPPORT', 'LEGAL'] as Purpose[],
    others: [] as Purpose[],
    least: 500,
  },
} as const;

interface Call {
  readonly mutation: string;
  readonly index: number;
  readonly one: Case;
  readonly role: Role | undefined;
  readonly purpose: Purpose;
}

interface Outcome extends Call {
  readonly state: State;
  readonly target: Target;
  readonly body: string;
  readonly data: Record<string, unknown> | null | undefined;
}

/** Every mutation by every role on a row in every state. */
describe.each(databases)('the sweep of mutations on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  const clients = { own: '', other: '' };
  let mutations: GraphQLObjectType;
  const wide = breadth[name];

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    clients.own = (await app.services.clients.register({ slug: 'acme', name: 'acme' }, 'test')).id;
    clients.other = (await app.services.clients.register({ slug: 'globex', name: 'globex' }, 'test')).id;
    const actor = { client: clients.own, principal: 'test' };
    await app.services.records.instruct(actor, { purpose: 'LEGAL', reason: 'for the sweep' });
    const { schemas } = governContracts(app.services, app.stores.keys, Buffer.alloc(32, 7), () => undefined);
    mutations = schemas.api.getMutationType() as GraphQLObjectType;
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  test('has inputs for every mutation of the schema, and for no other', () => {
    expect(Object.keys(inputs).sort()).toEqual(Object.keys(mutations.getFields()).sort());
  });

  const askerOf = (role: Role | undefined): Asker | undefined => role && { role, client: 'acme' };

  async function send({ mutation, one, role, purpose }: Call, target: Target) {
    const type = mutations.getFields()[mutation]?.args[0]?.type;
    if (!type) throw new Error(`${mutation} takes no input`);
    const document = `mutation ($input: ${type}) { ${mutation}(input: $input) { ${one.select} } }`;
    expect(String(type)).toBe(`${getNamedType(type)}!`);
    return app.ask(askerOf(role), purpose, document, { input: one.input(target) });
  }

  function callsOf(): Call[] {
    return Object.entries(inputs).flatMap(([mutation, cases]) =>
      cases.flatMap((one, index) =>
        wide.roles.flatMap((role) =>
          purposesOf(one, role).map((purpose) => {
            return { mutation, index, one, role, purpose };
          }),
        ),
      ),
    );
  }

  /** Whoever never writes here is asked for fewer purposes. */
  function purposesOf({ effect }: Case, role: Role | undefined): readonly Purpose[] {
    if (effect === 'nobody') return wide.others;
    return role?.startsWith('CLIENT_') ? wide.purposes : wide.purposes.filter((purpose) => few.includes(purpose));
  }

  /** What a caller reads of somebody in a state: each field that a write of the sweep touches, in the clear. */
  async function reads(role: Role | undefined, purpose: Purpose, target: Target): Promise<ReadonlySet<string>> {
    const { data } = await app.ask(askerOf(role), purpose, everything, { id: target.id });
    const { postalAddress, attributes, ...rest } = (data?.customer ?? {}) as Record<string, unknown> & {
      postalAddress?: { city: unknown } | null;
      attributes?: ReadonlyArray<{ value: unknown }> | null;
    };
    const given = { ...rest, postalAddress: postalAddress?.city, attributes: attributes?.[0]?.value };
    const planted: Record<string, unknown> = { ...personal, email: `${target.name}@example.org`, id: target.id };
    planted.externalId = target.name;
    const isClear = ([field, value]: [string, unknown]) =>
      value !== null && value !== undefined && (planted[field] === undefined || planted[field] === value);
    return new Set(
      Object.entries(given)
        .filter(isClear)
        .map(([field]) => field),
    );
  }

  /** Everything that is kept about people, by person, so that what was written is known from the rows themselves. */
  async function snapshot(): Promise<Map<string, string>> {
    const source = await app.stores.regions.of(clients.own);
    const found = new Map<string, string>();
    for (const [table, column] of [
      ['customer', 'id'],
      ['customer_attribute', 'customer_id'],
      ['erasure_request', 'customer_id'],
      ['legal_hold', 'customer_id'],
    ] as const) {
      // Entering the fence counts, and says nothing.
      for (const { revision: _, ...row } of await source.query<Array<Record<string, unknown>>>(
        `SELECT * FROM ${table} ORDER BY ${column}`,
      )) {
        const person = String(row[column]);
        const text = JSON.stringify(row, (_key, value) => (Buffer.isBuffer(value) ? value.toString('base64') : value));
        found.set(person, `${found.get(person) ?? ''}${table} ${text}`);
      }
    }
    return found;
  }

  const normal = (result: unknown, { id, name: called, request, hold }: Target): string =>
    [id, called, request, hold]
      .reduce((text, word) => text.replaceAll(word, '<named>'), JSON.stringify(result))
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
      .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '<time>');

  /** Whether the row rule lets the effect happen to somebody in the state, by what the same caller reads. */
  function mayHappen(
    { effect, written = [] }: Case,
    state: State,
    read: ReadonlySet<string>,
    asIfFree: ReadonlySet<string>,
  ): boolean {
    if (effect === 'fields') return ['id', ...written].every((field) => read.has(field));
    if (effect === 'creates') return read.has('id');
    const isOwn = state !== 'absent' && state !== 'otherClient';
    // Records outlive their persons, and say nothing of them.
    if (effect === 'record') return isOwn && state !== 'withheld';
    // A restriction bars no act about the person.
    return isOwn && state !== 'withheld' && state !== 'erased' && (read.has('id') || asIfFree.has('id'));
  }

  test('what is written is read by the same caller, and refused is answered as absent', async () => {
    const calls = callsOf();
    const people = new Map<State, Target[]>();
    for (const state of allStates) people.set(state, await plant(app, clients, state, calls.length));
    const readable = new Map<string, ReadonlySet<string>>();
    for (const role of wide.roles) {
      for (const purpose of new Set([...wide.purposes, 'LEGAL' as const])) {
        for (const state of allStates) {
          const target = people.get(state)?.at(-1) as Target;
          readable.set(`${role} ${purpose} ${state}`, await reads(role, purpose, target));
        }
      }
    }
    const readOf = (role: Role | undefined, purpose: Purpose, state: State) =>
      readable.get(`${role} ${purpose} ${state}`) ?? new Set<string>();
    const before = await snapshot();
    const outcomes: Outcome[] = [];
    for (const [number, call] of calls.entries()) {
      for (const state of allStates) {
        const target = people.get(state)?.[number] as Target;
        const result = await send(call, target);
        outcomes.push({ ...call, state, target, body: normal(result, target), data: result.data });
      }
    }
    const after = await snapshot();
    const faults: string[] = [];
    const tally = { calls: outcomes.length, done: 0, refused: 0 };
    const absent = new Map(
      outcomes
        .filter(({ state }) => state === 'absent')
        .map((one) => [`${one.mutation} ${one.index} ${one.role} ${one.purpose}`, one]),
    );
    for (const { mutation, index, one, role, purpose, state, target, body, data } of outcomes) {
      const { effect } = one;
      const at = `${mutation} ${index} by ${role} for ${purpose} on ${state}`;
      const changed = before.get(target.id) !== after.get(target.id);
      const stated: Purpose = effect === 'legal' ? 'LEGAL' : purpose;
      const allowed =
        effect !== 'nobody' && mayHappen(one, state, readOf(role, stated, state), readOf(role, stated, 'clear'));
      const done = changed || (effect === 'legal' && data !== null && data !== undefined);
      if (done) tally.done++;
      else tally.refused++;
      if (effect === 'creates') {
        const created = (data?.[mutation] as { customer: { firstName: string } | null } | null)?.customer;
        if (created && created.firstName !== 'Swept') faults.push(`${at}: written and not read: ${body}`);
        if (changed) faults.push(`${at}: changed somebody else`);
      } else if (done && !allowed) faults.push(`${at}: done and not readable: ${body}`);
      // People who were erased, or are being, do not come back unsaid: what is said is that, to whoever may write.
      const isGoneOrGoing = state === 'erased' || state === 'underErasure';
      const isReturn = effect === 'creates' && isGoneOrGoing && body.includes('"code":"ERASED"');
      const like = absent.get(`${mutation} ${index} ${role} ${purpose}`);
      if (!allowed && !isReturn && body !== like?.body)
        faults.push(`${at}: told from nobody:\n  ${body}\n  ${like?.body}`);
    }
    expect(faults.slice(0, 10)).toEqual([]);
    expect(faults).toHaveLength(0);
    expect(tally.calls).toBeGreaterThan(wide.least);
    expect(tally.done).toBeGreaterThan(wide.least / 50);
    console.info(JSON.stringify({ database: name, ...tally }));
  }, 600_000);
});
