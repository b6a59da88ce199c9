/** Random documents and accesses over a random schema. */

import {
  agreementKinds,
  categories,
  type FieldModel,
  named,
  purposes,
  type RandomSchema,
  scopes,
  type Tape,
  type TypeModel,
} from './random-schema';
import type { ReferenceAccess } from './reference-interpreter';

export interface RandomDocument {
  text: string;
  operations: Array<{ name: string; kind: string }>;
  variables: Record<string, unknown>;
}

const definitions: Record<string, string> = {
  b0: 'Boolean!',
  b1: 'Boolean! = false',
  b2: 'Boolean = true',
  s0: 'String',
  s1: 'String = "s"',
  w0: 'Filter',
  w1: 'Filter = {a: "v", c: {b: ["w"]}}',
};

/**
 * @param distinct gives every field an alias made of what it is, so that no two fields of one response key conflict;
 * without it aliases are what the tape says, and the document may be invalid
 */
export function randomDocument(tape: Tape, schema: RandomSchema, distinct: boolean): RandomDocument {
  return new Writer(tape, schema, distinct).document();
}

class Writer {
  readonly #fragments: Array<{ on: string; body: string }> = [];
  readonly #underscores: boolean;

  constructor(
    readonly tape: Tape,
    readonly schema: RandomSchema,
    readonly distinct: boolean,
  ) {
    this.#underscores = tape.chance(15);
  }

  document(): RandomDocument {
    const { tape } = this;
    // Fragments spread only those written before them: no circles.
    for (let i = tape.below(4); i > 0; i--) {
      const on = tape.pick(this.schema.types).name;
      this.#fragments.push({ on, body: this.#selections(on, 2) });
    }
    const operations = Array.from({ length: 1 + tape.below(2) }, (_, i) => ({
      name: `Op${i}`,
      kind: tape.chance(20) ? 'mutation' : 'query',
      purpose: tape.chance(30) ? ` @purpose(is: ${tape.pick(purposes)})` : '',
    })).map((operation) => ({
      ...operation,
      body: this.#selections(operation.kind === 'query' ? 'Query' : 'Mutation', 4),
    }));
    const used = new Set(operations.flatMap(({ body }) => this.#spreads(body)));
    const texts = operations.map(({ name, kind, purpose, body }) => {
      const all =
        body +
        this.#spreads(body)
          .map((spread) => this.#fragments[spread]?.body)
          .join();
      const variables = Object.keys(definitions).filter((variable) => new RegExp(`\\$${variable}\\b`).test(all));
      const declared = variables.map((variable) => `$${variable}: ${definitions[variable]}`).join(', ');
      return `${kind} ${name}${declared ? `(${declared})` : ''}${purpose} ${body}`;
    });
    const fragments = this.#fragments.map(({ on, body }, i) => (used.has(i) ? `fragment F${i} on ${on} ${body}` : ''));
    return {
      text: [...texts, ...fragments.filter(Boolean)].join('\n'),
      operations: operations.map(({ name, kind }) => ({ name, kind })),
      variables: this.#variables(),
    };
  }

  /** Numbers of the fragments that a text spreads, directly or not. */
  #spreads(text: string): number[] {
    const direct = [...text.matchAll(/\.\.\.F(\d+)/g)].map((match) => Number(match[1]));
    return [...new Set(direct.flatMap((i) => [i, ...this.#spreads(this.#fragments[i]?.body ?? '')]))];
  }

  #selections(typeName: string, depth: number): string {
    const { tape } = this;
    const type = this.#type(typeName);
    const selections: string[] = [];
    for (let i = 1 + tape.below(4); i > 0; i--) {
      const selection = this.#selection(type, depth);
      if (selection) selections.push(selection);
    }
    return `{ ${selections.length > 0 ? selections.join(' ') : '__typename'} }`;
  }

  #selection(type: TypeModel, depth: number): string | undefined {
    const { tape } = this;
    const kind = tape.pick(['field', 'field', 'field', 'field', 'inline', 'spread', 'typename']);
    if (kind === 'typename') return tape.chance(50) ? '__typename' : `t${tape.below(2)}: __typename`;
    if (kind === 'spread') {
      const fitting = [...this.#fragments.keys()].filter((i) => this.#overlap(type.name, this.#fragments[i]?.on ?? ''));
      return fitting.length > 0 ? `...F${tape.pick(fitting)}${this.#condition()}` : undefined;
    }
    if (kind === 'inline' && depth > 0) {
      const on = tape.pick(this.schema.types.filter(({ name }) => this.#overlap(type.name, name)));
      const anywhere = tape.chance(20);
      return `...${anywhere ? '' : ` on ${on.name}`}${this.#condition()} ${this.#selections(anywhere ? type.name : on.name, depth - 1)}`;
    }
    if (type.fields.length === 0) return undefined;
    const fields = depth > 0 ? type.fields : type.fields.filter(({ type: t }) => ['String', 'Int'].includes(named(t)));
    return fields.length > 0 ? this.#field(tape.pick(fields), depth) : undefined;
  }

  #field(field: FieldModel, depth: number): string {
    const { tape } = this;
    const leaf = ['String', 'Int'].includes(named(field.type));
    const values = field.args.flatMap((arg) =>
      tape.chance(50) ? `${arg.split(':')[0]}: ${this.#value(arg.split(':')[1]?.trim().split(' ')[0] ?? '')}` : [],
    );
    const args = values.length > 0 ? `(${values.join(', ')})` : '';
    const written = tape.chance(30)
      ? `${tape.pick(this.#underscores ? ['a_b', 'r0_f0', 'f0_r0', 'x'] : ['x', 'y', 'f0', 'f1'])}: `
      : '';
    const alias = this.distinct ? `${this.#key(field, args)}: ` : written;
    return `${alias}${field.name}${args}${this.#condition()}${leaf ? '' : ` ${this.#selections(named(field.type), depth - 1)}`}`;
  }

  #key({ name, type }: FieldModel, args: string): string {
    const text = `${name}${type}${args}`;
    let hash = 7;
    for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
    return `${this.#underscores ? 'k_' : 'k'}${hash}${this.tape.chance(20) ? 'b' : ''}`;
  }

  #value(type: string): string {
    const { tape } = this;
    if (type === 'Int') return '3';
    if (type === 'String') return tape.pick(['"lit"', '$s0', '$s1', 'null']);
    if (type === '[Filter!]') return tape.pick(['[]', this.#filter(1), `[${this.#filter(0)}, ${this.#filter(1)}]`]);
    return tape.pick([this.#filter(1), '$w0', '$w1', 'null']);
  }

  #filter(depth: number): string {
    const { tape } = this;
    const fields = [
      ...(tape.chance(40) ? [`a: ${tape.pick(['"x"', '$s0', '$s1'])}`] : []),
      ...(tape.chance(30) ? [`b: ${tape.pick(['["y", "z"]', '"one"', '[$s0]', '[]'])}`] : []),
      ...(tape.chance(30) ? [`d: ${tape.pick(['"x"', '$s0', 'null'])}`] : []),
      ...(tape.chance(30) ? ['n: 2'] : []),
      ...(depth > 0 && tape.chance(30) ? [`c: ${tape.pick([this.#filter(depth - 1), '$w0'])}`] : []),
      ...(depth > 0 && tape.chance(30) ? [`and: [${this.#filter(depth - 1)}]`] : []),
    ];
    return `{${fields.join(', ')}}`;
  }

  #condition(): string {
    const { tape } = this;
    if (!tape.chance(20)) return '';
    const value = tape.pick(['$b0', '$b1', '$b2', 'true', 'false']);
    return tape.chance(10)
      ? ` @skip(if: ${value}) @include(if: $b0)`
      : ` @${tape.pick(['include', 'skip'])}(if: ${value})`;
  }

  #variables(): Record<string, unknown> {
    const { tape } = this;
    const all: Record<string, unknown> = { b0: tape.chance(70) };
    for (const name of ['b1', 'b2']) if (tape.chance(50)) all[name] = tape.chance(50);
    for (const name of ['s0', 's1']) if (tape.chance(50)) all[name] = tape.pick(['given', null]);
    for (const name of ['w0', 'w1']) {
      if (tape.chance(50))
        all[name] = tape.pick([
          { a: 'v' },
          { n: 1 },
          { c: { b: ['v'] } },
          { and: [{ d: 'x' }, { n: 2 }] },
          { b: 'one' },
          null,
        ]);
    }
    return all;
  }

  #type(name: string): TypeModel {
    const type = this.schema.types.find((candidate) => candidate.name === name);
    if (!type) throw new Error(`no type ${name}`);
    return type;
  }

  #possible(name: string): string[] {
    const { kind, members } = this.#type(name);
    if (kind === 'union') return members;
    return this.schema.types
      .filter((type) => type.kind === 'object' && (type.name === name || type.interfaces.includes(name)))
      .map((type) => type.name);
  }

  #overlap(a: string, b: string): boolean {
    return this.#possible(a).some((name) => this.#possible(b).includes(name));
  }
}

export function randomAccess(tape: Tape): ReferenceAccess {
  const granted = tape.chance(85) ? [...purposes] : tape.some(purposes);
  const salt = tape.below(1000);
  const rules = tape.below(3);
  return {
    ...(tape.chance(94) ? { principal: 'someone' } : {}),
    ...(tape.chance(85)
      ? { purpose: tape.chance(95) ? tape.pick(purposes) : tape.pick(['support', 'SUPРORT', '', 'X']) }
      : {}),
    grantedPurposes: granted,
    scopes: tape.chance(40) ? [...scopes] : tape.some(scopes),
    agreements: tape.chance(50) ? [...agreementKinds, 'MASTER'] : tape.some(agreementKinds),
    prohibitions: tape.chance(20)
      ? [{ category: tape.pick(categories), code: 'OUTSIDE_INSTRUCTION', rule: 'instruction 7' }]
      : [],
    ...(rules > 0 ? { row: rowRule(salt, rules) } : {}),
    pseudonymKey: Buffer.from(`key ${salt}`),
  };
}

/** Withholds a third of the rows by what they are, and answers in each way that a row rule may. */
function rowRule(salt: number, kind: number): NonNullable<ReferenceAccess['row']> {
  return (row, coordinate) => {
    let hash = salt;
    for (const character of `${(row as { row: string }).row}${kind > 1 ? coordinate : ''}`)
      hash = (hash * 31 + character.charCodeAt(0)) % 9973;
    if (hash % 12 === 0) return 'PROCESSING_RESTRICTED';
    if (hash % 12 === 1) return { code: 'TRANSFER_NOT_AUTHORIZED', rule: 'GDPR Art. 45(1)' };
    if (hash % 12 === 2) throw new Error('the state of the subject cannot be read');
    return hash % 12 === 3 ? 'SOMETHING_ELSE' : undefined;
  };
}
