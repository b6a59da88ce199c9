import { setImmediate as turn } from 'node:timers/promises';
import { buildSchema, type GraphQLObjectType } from 'graphql';
import {
  type Access,
  type GovernedResult,
  govern,
  governanceTypeDefs,
  JsonText,
  type RowGroup,
  type RowRequest,
  type RowSource,
  setRowSource,
  UnlikeParents,
} from '../../src/governance/govern';

const typeDefs = `
  type Person {
    id: String! @nonPersonal(because: "a number")
    name: String @personalData(category: NAME) @purposes(allow: [SUPPORT])
    seen: String @personalData(category: USAGE) @purposes(allow: [SUPPORT, SECURITY])
    friends(first: Int! = 10, named: String @governedBy(field: "Person.name")): [Person] @personalRows
    peers(first: Int! = 10): [Person] @personalRows
    pages: People @personalRows
  }
  type People { nodes: [Person!] edges: [Edge!] }
  type Edge { node: Person }
  type Query {
    people(first: Int! = 10): [Person] @personalRows
    sought(named: String @governedBy(field: "Person.name")): [Person] @personalRows
    pages: People @personalRows
  }
`;

const rows = ['Ada', 'Bob'].map((name, index) => [`${index}`, name]);
const people = rows.map(([id, name]) => ({ id, name }));
const group = (): RowGroup => ({ rows, markOf: (index) => people[index] });
const columns = ['id', 'name'];

/** A schema whose fields have resolvers and sources of the same people. What a test gives takes a source's place. */
function written(given: Partial<Record<string, Partial<RowSource>>> = {}) {
  const schema = buildSchema(`${governanceTypeDefs}\n${typeDefs}`);
  const reads: string[] = [];
  let compiled = 0;
  const internal: unknown[] = [];
  for (const type of ['Query', 'Person']) {
    for (const field of Object.values((schema.getType(type) as GraphQLObjectType).getFields())) {
      if (field.type.toString().startsWith('String')) continue;
      const isPages = field.name === 'pages';
      field.resolve = () => {
        reads.push(`executor ${field.name}`);
        return isPages ? { nodes: people, edges: people.map((node) => ({ node })) } : people;
      };
      const page = { hasNextPage: false, hasPreviousPage: false, cursorOf: String };
      setRowSource(field, {
        as: isPages ? 'connection' : 'list',
        fieldsFor: () => {
          compiled++;
          return (name) => ({ value: (cells) => cells[columns.indexOf(name)] });
        },
        read: async ({ parents }: RowRequest) => {
          reads.push(field.name);
          return (type === 'Query' ? [0] : parents).map(() => (isPages ? { ...group(), page } : group()));
        },
        ...given[`${type}.${field.name}`],
      });
    }
  }
  const governed = govern(schema, {
    pseudonymKey: 'per-access',
    plainSources: true,
    onInternalError: (error) => internal.push(error),
  });
  const ask = async (text: string, access: Partial<Access> = {}, variableValues: Record<string, unknown> = {}) => {
    const caller = { principal: 'p', purpose: 'SUPPORT', grantedPurposes: ['SUPPORT', 'SECURITY'], ...access };
    const planned = governed.plan(text, null, caller);
    if (!('decide' in planned)) throw new Error(JSON.stringify(planned.errors));
    const decided = planned.decide({ access: caller, variableValues });
    if (!('write' in decided)) throw new Error(JSON.stringify(decided.errors));
    const { data, errors } = await decided.write({ contextValue: {} });
    const executed = (await decided.execute({ contextValue: {} })) as GovernedResult;
    const isWritten = data instanceof JsonText;
    expect(JSON.parse(isWritten ? data.text : JSON.stringify(data))).toEqual(JSON.parse(JSON.stringify(executed.data)));
    return { isWritten, errors, decision: decided.decision };
  };
  return { governed, ask, reads, internal, compiled: () => compiled };
}

/** The reads up to the first of the executor, which every question is put to as well. */
const ownReads = (reads: readonly string[]) =>
  reads.slice(
    0,
    reads.findIndex((read) => read.startsWith('executor')),
  );

test('rows are written', async () => {
  const { ask, reads } = written();
  const text = '{ people { id name peers(first: 1) { name } } pages { nodes { name } } }';
  expect(await ask(text)).toMatchObject({ isWritten: true });
  expect(ownReads(reads).sort()).toEqual(['pages', 'peers', 'people']);
});

describe('attack S6: what is kept of a document is within its weight', () => {
  const text = '{ people { name } }';
  const wide = (fields: number, name = 'Q') => {
    const groups = Array.from({ length: fields / 20 }, (_, index) => `g${index}: peers { ...F }`);
    const twenty = Array.from({ length: 19 }, () => 'id').join(' ');
    return `query ${name} { people { ${groups.join(' ')} } } fragment F on Person { ${twenty} }`;
  };
  const scoped = (index: number) => ({ scopes: [`s${index}`] });

  test('a writer is kept, and the oldest of too many callers is not', async () => {
    const { ask, compiled } = written();
    await ask(wide(200), scoped(0));
    const once = compiled();
    await ask(wide(200), scoped(0));
    expect(compiled()).toBe(once);
    for (let index = 1; index < 40; index++) await ask(wide(200), scoped(index));
    expect(compiled()).toBe(40 * once);
    await ask(wide(200), scoped(39));
    expect(compiled()).toBe(40 * once);
    await ask(wide(200), scoped(0));
    expect(compiled()).toBe(41 * once);
  });

  test('a decision lives no longer than it is kept, whatever access it was made for', async () => {
    const { ask } = written();
    const basis = {};
    const { decision } = await ask(text, { basis });
    expect((await ask(text, { basis })).decision).toBe(decision);
    for (let index = 0; index < 500; index++) await ask(text, scoped(index));
    const anew = (await ask(text, { basis })).decision;
    expect(anew).not.toBe(decision);
    expect(anew.id).toBe(decision.id);
  });

  test('what fragments expand to is counted, so an operation of many fields is executed', async () => {
    const { ask, compiled } = written();
    expect(await ask(wide(300))).toMatchObject({ isWritten: true });
    const before = compiled();
    expect(await ask(wide(500))).toMatchObject({ isWritten: false });
    expect(compiled()).toBe(before);
  });

  test('writers and decisions push out documents', async () => {
    const { ask, governed } = written();
    // Of some 250 KB each by their texts and fields, of 1.5 MB more by their writers.
    for (let document = 0; document < 12; document++) {
      for (let caller = 0; caller < 18; caller++) await ask(wide(200, `Q${document}`), scoped(caller));
    }
    expect([0, 11].map((document) => governed.knows(wide(200, `Q${document}`)))).toEqual([false, true]);
  });
});

describe('equal reads are made once', () => {
  test('under two names, and of the rows of nodes and edges', async () => {
    const { ask, reads } = written();
    const inner = 'a: peers { id peers { id } } b: peers { name peers { name } } c: peers(first: 1) { id }';
    const text = `{ pages { nodes { ${inner} } edges { node { ${inner} } } } }`;
    expect(await ask(text)).toMatchObject({ isWritten: true });
    expect(ownReads(reads)).toEqual(['pages', 'peers', 'peers', 'peers']);
  });

  test('but those of the root each', async () => {
    const { ask, reads } = written();
    await ask('{ a: people { id } b: people { id } }');
    expect(ownReads(reads)).toEqual(['people', 'people']);
  });
});

describe('what a writer gives up', () => {
  test('is given up before anything is read, where an argument is not permitted', async () => {
    const { ask, reads } = written();
    const sought = 'query Q($named: String) { people { id } sought(named: $named) { id } }';
    expect(await ask(sought, {}, { named: 'Ada' })).toMatchObject({ isWritten: true });
    reads.length = 0;
    const answer = await ask(sought, { purpose: 'SECURITY' }, { named: 'Ada' });
    expect(answer.isWritten).toBe(false);
    expect(reads[0]).toBe('executor people');
    expect(reads).not.toContain('people');
  });

  test('is executed when all that was begun has ended, and nothing more is begun', async () => {
    const reads: string[] = [];
    const slow = async () => {
      for (let index = 0; index < 5; index++) await turn();
      reads.push('slow');
      return [group()];
    };
    const {
      ask,
      reads: others,
      internal,
    } = written({
      'Query.people': { read: slow },
      'Query.sought': { read: () => Promise.reject(new UnlikeParents()) },
    });
    const { isWritten } = await ask('{ sought { id } people { id peers { id } } }').then((answer) => {
      reads.push('answered');
      return answer;
    });
    expect(isWritten).toBe(false);
    expect(reads).toEqual(['slow', 'answered']);
    expect(others).not.toContain('peers');
    expect(internal).toEqual([]);
  });

  test('is told where it was no intent', async () => {
    const failure = new TypeError('a fault in a source');
    const { ask, internal } = written({
      'Query.people': {
        fieldsFor: () => () => ({
          value: () => {
            throw failure;
          },
        }),
      },
    });
    expect(await ask('{ people { id } }')).toMatchObject({ isWritten: false, errors: undefined });
    expect(internal).toEqual([failure]);
  });

  test('is a null where none may be, also one that is kept as text', async () => {
    const nothing = { value: () => null, text: () => 'null' };
    const { ask, internal } = written({ 'Query.people': { fieldsFor: () => () => nothing } });
    expect(await ask('{ people { id } }')).toMatchObject({ isWritten: false });
    expect(internal).toEqual([]);
  });

  test('is an argument of a row’s field that reveals another', async () => {
    const { ask, compiled } = written();
    expect(await ask('{ people { id friends(first: 2) { id } } }')).toMatchObject({ isWritten: false });
    expect(await ask('{ people { id peers(first: 2) { id } } }')).toMatchObject({ isWritten: true });
    expect(compiled()).toBeGreaterThan(0);
  });
});
