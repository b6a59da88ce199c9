/** Random governed schemas with data for the property test; every choice comes from a tape, so that failures shrink. */
import type { Resolvers } from './reference-interpreter';

/** A tape of choices; past its end every choice is the first. */
export class Tape {
  #at = 0;
  constructor(readonly numbers: readonly number[]) {}

  below(limit: number): number {
    return limit <= 1 ? 0 : (this.numbers[this.#at++] ?? 0) % limit;
  }
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
  some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.chance(50));
  }
}

export const purposes = ['SUPPORT', 'IMPROVEMENT', 'SECURITY', 'LEGAL', 'SERVICE_DELIVERY'];
export const categories = ['NAME', 'CONTACT', 'COMMERCE'] as const;
export const scopes = ['s1', 's2', 's3'];
export const agreementKinds = ['HEALTH', 'DPA'];

export interface FieldModel {
  name: string;
  type: string;
  directives: string;
  args: string[];
  resolver: 'none' | 'sync' | 'async';
}
export interface TypeModel {
  kind: 'object' | 'interface' | 'union';
  name: string;
  interfaces: string[];
  members: string[];
  /** @requiresScopes on the type itself. */
  directives: string;
  fields: FieldModel[];
}
export interface RandomSchema {
  sdl: string;
  types: TypeModel[];
  roots: Record<string, unknown>;
  canaries: string[];
  /** Attached to the schema, and called by the interpreter. Each call is noted in `calls`. */
  resolvers: Resolvers;
  calls: Map<string, number>;
}

export const named = (type: string): string => type.replace(/[[\]!]/g, '');

const stringTypes = ['String', 'String', '[String]', '[[String]]'];
const relationWraps = [
  (t: string) => t,
  (t: string) => `[${t}]`,
  (t: string) => `[[${t}!]]`,
  (t: string) => `[${t}!]!`,
  (t: string) => `${t}!`,
];

/** @param plain sources hold neither functions nor promises */
export function randomSchema(tape: Tape, plain: boolean): RandomSchema {
  const types: TypeModel[] = [];
  const interfaces = Array.from({ length: tape.below(3) }, (_, i) => `I${i}`);
  const objects = Array.from({ length: 2 + tape.below(3) }, (_, i) => (tape.chance(10) ? `T_${i}` : `T${i}`));
  const unions = Array.from({ length: tape.below(2) }, (_, i) => `U${i}`);
  const targets = () => tape.pick([...objects, ...interfaces, ...unions]);
  const governedSoFar: string[] = [];

  for (const [i, name] of interfaces.entries()) {
    const parents = i > 0 && tape.chance(50) ? types.filter(({ name: parent }) => parent === 'I0') : [];
    const governed = parents.some(hasGoverned) || tape.chance(40);
    const inherited = parents.flatMap(({ fields }) => fields.map((field) => stricter(tape, field, governed)));
    const own = Array.from({ length: 1 + tape.below(2) }, (_, f) =>
      leaf(tape, `g${i}${f}`, governed ? governance(tape, 'String', []) : '', 'String'),
    );
    const relation = { ...leaf(tape, `h${i}`, '', ''), type: tape.pick(relationWraps.slice(0, 3))(targets()) };
    types.push({
      kind: 'interface',
      name,
      interfaces: parents.map((parent) => parent.name),
      members: [],
      directives: '',
      fields: [...inherited, ...own, relation],
    });
  }
  for (const name of objects) {
    const chosen = types
      .filter(({ kind }) => kind === 'interface')
      .filter(() => name === objects[0] || tape.chance(60));
    const parents = [...new Set(chosen.flatMap((parent) => [...parent.interfaces, parent.name]))];
    const governed = tape.chance(80) || types.some((type) => parents.includes(type.name) && hasGoverned(type));
    const scoped = governed && tape.chance(15);
    const fields = new Map<string, FieldModel>();
    for (const parent of parents) {
      for (const field of types.find((type) => type.name === parent)?.fields ?? []) {
        // The interface that comes last is the strictest of those that share a field.
        fields.set(field.name, { ...stricter(tape, field, governed), resolver: resolverKind(tape) });
      }
    }
    for (let f = 0; f < 2 + tape.below(3); f++) {
      const kind = tape.pick(['String', 'String', 'Int', 'list', 'nonNull']);
      const type =
        kind === 'list'
          ? tape.pick(stringTypes)
          : kind === 'nonNull'
            ? scoped
              ? 'String'
              : tape.pick(['String!', '[String!]!'])
            : kind;
      const rules = governed
        ? governance(
            tape,
            type,
            governedSoFar.filter((source) => source.startsWith(`${name}.`) || tape.chance(50)),
          )
        : '';
      const field = leaf(tape, `f${f}`, rules, type);
      if (tape.chance(20)) field.args = args(tape, type);
      fields.set(field.name, field);
      if (/@personalData|@derivedFrom/.test(rules)) governedSoFar.push(`${name}.${field.name}`);
    }
    for (let r = 0; r < 1 + tape.below(2); r++) {
      const type = tape.pick(scoped ? relationWraps.slice(0, 3) : relationWraps)(targets());
      const rules =
        governed && !type.endsWith('!') && tape.chance(15)
          ? `@personalData(category: COMMERCE) @purposes(allow: [${list(tape, purposes)}])${tape.chance(30) ? ' @deidentify(for: [IMPROVEMENT], by: SUPPRESS)' : ''}`
          : '';
      fields.set(`r${r}`, {
        name: `r${r}`,
        type,
        directives: rules,
        args: tape.chance(40) ? args(tape, type) : [],
        resolver: resolverKind(tape),
      });
    }
    const all = [...fields.values()];
    const directives = scoped ? `@requiresScopes(scopes: ${alternatives(tape)})` : '';
    // Whatever a scope may withhold is nullable, and so is what is inherited without a rule of its own.
    types.push({ kind: 'object', name, interfaces: parents, members: [], directives, fields: all });
  }
  for (const name of unions)
    types.push({
      kind: 'union',
      name,
      interfaces: [],
      members: [...new Set([objects[0] ?? '', ...tape.some(objects)])],
      directives: '',
      fields: [],
    });
  for (const name of ['Query', 'Mutation']) {
    const fields = Array.from({ length: 2 + tape.below(2) }, (_, r): FieldModel => {
      const type = tape.pick(relationWraps)(targets());
      const taken = tape.chance(50) ? args(tape, type) : [];
      return { name: `q${r}`, type, directives: '', args: taken, resolver: resolverKind(tape) };
    });
    const governed = tape.chance(20);
    if (governed)
      fields.push({
        name: 'f0',
        type: 'String',
        directives: governance(tape, 'String', []),
        args: [],
        resolver: resolverKind(tape),
      });
    types.push({ kind: 'object', name, interfaces: [], members: [], directives: '', fields });
  }
  sayRows(tape, types);
  const bind = () => (tape.chance(70) ? ` @governedBy(field: "${pickCoordinate(tape, types)}")` : told);
  const filter = `input Filter { a: String${bind()} b: [String]${bind()} c: Filter d: String${tape.chance(40) ? ' = "d"' : ''}${bind()} n: Int${told} and: [Filter] }`;
  const sdl = [...types.map(print), filter].join('\n').replaceAll('%', () => pickCoordinate(tape, types));
  return { sdl, types, ...data(tape, types, plain) };
}

/** What an argument says that reads nothing of a person. */
const told = ' @nonPersonal(because: "it reads nothing")';

/**
 * Declares what every relation leads to, as start-up demands. A type can be plumbing, such as a connection or a
 * payload: its relations are not declared, and a relation to it leads to its rows.
 */
function sayRows(tape: Tape, types: TypeModel[]): void {
  const isRoot = ({ name }: TypeModel) => name === 'Query' || name === 'Mutation';
  const objects = types.filter(({ kind }) => kind === 'object');
  const possible = (name: string): TypeModel[] => {
    const type = types.find((candidate) => candidate.name === name);
    return objects.filter((one) =>
      type?.kind === 'union' ? type.members.includes(one.name) : one.name === name || one.interfaces.includes(name),
    );
  };
  const isHolder = (type: TypeModel) => !isRoot(type) && hasGoverned(type);
  const plumbing = new Set(objects.filter((type) => !isRoot(type) && !isHolder(type) && tape.chance(50)));
  const relations = ({ fields }: TypeModel) => fields.filter(({ type }) => !['String', 'Int'].includes(named(type)));
  const leads = (type: TypeModel, seen = new Set<TypeModel>()): boolean => {
    if (isHolder(type)) return true;
    if (!plumbing.has(type) || seen.has(type)) return false;
    seen.add(type);
    return relations(type).some((field) => possible(named(field.type)).some((next) => leads(next, seen)));
  };
  for (const type of objects) {
    if (plumbing.has(type)) continue;
    for (const field of relations(type)) {
      if (field.directives.includes('@personalData')) continue;
      if (possible(named(field.type)).some((next) => leads(next))) {
        field.directives += ' @personalRows';
        field.type = field.type.replace(/!$/, '');
      } else if (isHolder(type)) field.directives += ' @nonPersonal(because: "it leads to nobody")';
    }
  }
}

const hasGoverned = ({ fields }: TypeModel): boolean =>
  fields.some(({ directives }) => /@personalData|@derivedFrom/.test(directives));
const resolverKind = (tape: Tape): FieldModel['resolver'] => tape.pick(['none', 'none', 'sync', 'async'] as const);
const list = (tape: Tape, items: readonly string[]): string => tape.some(items).join(', ');
const alternatives = (tape: Tape): string =>
  JSON.stringify([[tape.pick(scopes)], ...(tape.chance(50) ? [tape.some(scopes)] : [])]);

function leaf(tape: Tape, name: string, directives: string, type: string): FieldModel {
  return { name, type, directives, args: [], resolver: resolverKind(tape) };
}

/** The directives of an inherited field on a type below: the same, or more of them. */
function stricter(tape: Tape, field: FieldModel, governed: boolean): FieldModel {
  const isLeaf = ['String', 'Int'].includes(named(field.type));
  let { directives } = field;
  if (!directives.includes('@') && governed && isLeaf) directives = governance(tape, field.type, []);
  else if (directives.includes('@personalData')) {
    const more = tape.pick([
      '',
      '',
      '@requiresAgreement(kind: MASTER)',
      `@requiresScopes(scopes: ${alternatives(tape)})`,
    ]);
    if (more && !directives.includes(more.split('(')[0] ?? '')) directives += ` ${more}`;
  }
  return { ...field, directives };
}

function governance(tape: Tape, type: string, sources: string[]): string {
  const methods = named(type) === 'Int' ? ['BUCKET', 'SUPPRESS'] : ['PSEUDONYM', 'PARTIAL', 'GENERALIZE', 'SUPPRESS'];
  const personal = `@personalData(category: ${tape.pick(categories)})`;
  // One domain a field, shared with some others.
  const domain = tape.chance(40) ? `, domain: "${tape.pick(['Shared.id', 'Shared.email'])}"` : '';
  const by = (method: string) => `by: ${method}${method === 'PSEUDONYM' ? domain : ''}`;
  if (type.includes('!')) {
    const clear = tape.some(purposes.slice(1));
    const masked = purposes.filter((purpose) => !clear.includes(purpose) || tape.chance(20));
    return `${personal} @purposes(allow: [${clear.join(', ')}]) @deidentify(for: [${masked.join(', ')}], ${by(tape.pick(methods.slice(0, 2)))})`;
  }
  const kind = tape.pick(['personal', 'personal', 'personal', 'derived', 'nonPersonal', 'scoped']);
  const scope = tape.chance(20) || kind === 'scoped' ? ` @requiresScopes(scopes: ${alternatives(tape)})` : '';
  if (kind === 'nonPersonal' || kind === 'scoped') return `@nonPersonal(because: "it is not")${scope}`;
  const derived = kind === 'derived' && sources.length > 0;
  const from = derived
    ? `@derivedFrom(fields: [${[...new Set([tape.pick(sources), tape.pick(sources)])].map((source) => `"${source}"`).join(', ')}])`
    : '';
  const allow = !derived || tape.chance(30) ? ` @purposes(allow: [${list(tape, purposes)}])` : '';
  const left = [...purposes];
  let masks = '';
  while (tape.chance(55) && left.length > 0) {
    const [purpose] = left.splice(tape.below(left.length), 1);
    masks += ` @deidentify(for: [${purpose}], ${by(tape.pick(methods))})`;
  }
  const agreement = tape.chance(20) ? ` @requiresAgreement(kind: ${tape.pick(agreementKinds)})` : '';
  return `${derived ? (tape.chance(50) ? `${from} ${personal}` : from) : personal}${allow}${masks}${agreement}${scope}`;
}

/**
 * `%` stands for a coordinate, which is filled in when all types are there. A non-null field gets no argument that
 * could be refused: executors differ in how many fields beside it they still run then.
 */
function args(tape: Tape, type: string): string[] {
  const bound = [
    'q: String @governedBy(field: "%")',
    'd: String = "d" @governedBy(field: "%")',
    'w: Filter',
    'x: Filter = {a: "x", n: 1}',
    'z: [Filter!]',
  ];
  return [`n: Int${told}`, ...(type.endsWith('!') ? [] : bound)].filter(() => tape.chance(30));
}

function pickCoordinate(tape: Tape, types: TypeModel[]): string {
  const all = types.flatMap((type) =>
    type.fields
      .filter(({ type: t }) => ['String', 'Int'].includes(named(t)))
      .map((field) => `${type.name}.${field.name}`),
  );
  return tape.pick(all.length > 0 ? all : ['Query.q0']);
}

function print({ kind, name, interfaces, members, directives, fields }: TypeModel): string {
  if (kind === 'union') return `union ${name} = ${members.join(' | ')}`;
  const parents = interfaces.length > 0 ? ` implements ${interfaces.join(' & ')}` : '';
  const lines = fields.map(
    (field) =>
      `  ${field.name}${field.args.length > 0 ? `(${field.args.join(', ')})` : ''}: ${field.type} ${field.directives}`,
  );
  return `${kind === 'object' ? 'type' : 'interface'} ${name}${parents} ${directives} {\n${lines.join('\n')}\n}`;
}

function data(
  tape: Tape,
  types: TypeModel[],
  plain: boolean,
): Pick<RandomSchema, 'roots' | 'canaries' | 'resolvers' | 'calls'> {
  const canaries: string[] = [];
  const rows = new Map<string, Array<Record<string, unknown>>>();
  const objects = types.filter(({ kind }) => kind === 'object');
  for (const { name } of objects)
    rows.set(
      name,
      Array.from({ length: 1 + tape.below(2) }, (_, i) => ({ __typename: name, row: `${name}${i}` })),
    );
  const possible = (name: string): string[] => {
    const type = types.find((candidate) => candidate.name === name);
    if (type?.kind === 'union') return type.members;
    return objects
      .filter((object) => object.name === name || object.interfaces.includes(name))
      .map((object) => object.name);
  };
  const canary = (type: string): unknown => {
    const number = canaries.length + 1;
    if (type === 'Int') {
      canaries.push(String(1_000_000_000 + number));
      return 1_000_000_000 + number;
    }
    if (tape.chance(5)) return '2001-02-03';
    const text = tape.chance(20)
      ? `4930${String(number).padStart(8, '0')}`
      : `canary-word-${String(number).padStart(4, '0')}z`;
    canaries.push(text);
    return text;
  };
  const value = (type: string): unknown => {
    if (type.endsWith('!')) return nonNull(type.slice(0, -1));
    return tape.chance(8) ? null : nonNull(type);
  };
  const nonNull = (type: string): unknown => {
    if (type.startsWith('['))
      return Array.from({ length: (named(type) === 'String' ? 1 : 0) + tape.below(3) }, () => value(type.slice(1, -1)));
    if (type === 'String' || type === 'Int') return canary(type);
    const candidates = possible(type).flatMap((name) => rows.get(name) ?? []);
    return candidates.length > 0 ? tape.pick(candidates) : undefined;
  };
  const resolvers: Resolvers = new Map();
  const calls = new Map<string, number>();
  for (const { name, fields } of objects) {
    for (const field of fields) {
      const coordinate = `${name}.${field.name}`;
      for (const row of rows.get(name) ?? []) {
        const held = value(field.type);
        const lazy = !plain && field.resolver === 'none' && tape.chance(20);
        row[field.name] = lazy ? tape.pick([() => held, async () => held]) : held;
      }
      if (field.resolver === 'none') continue;
      resolvers.set(coordinate, (source) => {
        calls.set(coordinate, (calls.get(coordinate) ?? 0) + 1);
        const held = (source as Record<string, unknown> | undefined)?.[field.name];
        return field.resolver === 'async' ? Promise.resolve(held) : held;
      });
    }
  }
  const roots = { query: rows.get('Query')?.[0], mutation: rows.get('Mutation')?.[0] };
  return { roots, canaries, resolvers, calls };
}
