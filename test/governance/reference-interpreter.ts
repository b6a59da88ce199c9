/**
 * A naive interpreter of governed GraphQL, written for the property test alone: it recurses over the AST as the
 * specification says, reads directives from the SDL's AST, decides every field where it meets it, and caches nothing.
 */
import { createHmac } from 'node:crypto';
import {
  type ConstDirectiveNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type FieldNode,
  type InputValueDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type TypeDefinitionNode,
  type TypeNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';

export interface ReferenceAccess {
  principal?: string;
  purpose?: string;
  grantedPurposes: string[];
  scopes?: string[];
  agreements?: string[];
  prohibitions?: Array<{ category: 'NAME' | 'CONTACT' | 'COMMERCE'; code: string; rule: string }>;
  row?: (row: unknown, coordinate: string) => string | { code: string; rule: string } | undefined;
  pseudonymKey: Uint8Array;
}

export interface Withholding {
  coordinate: string;
  code: string;
  rule: string;
  /** `Type.field(argument:)` where an argument reads it. */
  argument?: string;
  places: Set<string>;
  paths: Set<string>;
}

export interface ReferenceResult {
  badInput?: boolean;
  refusal?: { code: string; rule: string };
  data: unknown;
  withholdings: Withholding[];
  withheld: Set<string>;
  deidentified: Set<string>;
  verdicts: Map<string, Verdict>;
}

export interface Verdict {
  outcome: 'CLEAR' | 'DEIDENTIFIED' | 'WITHHELD';
  /** For how many categories the row is asked until it gives one. */
  asks?: number;
  code?: string;
  rule?: string;
  method?: string;
}

/** The resolvers that the schema has, by coordinate; any other field reads its source's property. */
export type Resolvers = Map<string, (source: unknown, args: Record<string, unknown>) => unknown>;

const articles: Record<string, string> = {
  UNAUTHENTICATED: 'GDPR Art. 32(1)(b)',
  PURPOSE_REQUIRED: 'GDPR Art. 5(1)(b)',
  PURPOSE_NOT_GRANTED: 'GDPR Art. 28(3)(a)',
  PROCESSING_RESTRICTED: 'GDPR Art. 18(2), Art. 21(1), Art. 17(1)',
};
const purposeNames = ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL', 'IMPROVEMENT'];

type Args = Record<string, unknown>;
type Path = Array<string | number>;
interface Rule {
  governed: boolean;
  /** Whether the row that the field stands on is asked. */
  ofRow: boolean;
  /** Of @personalRows: the fields of which one has to be readable. */
  evidence?: string[];
  category?: string;
  allow?: string[];
  domain?: string;
  methods: Array<{ purposes: string[]; by: string }>;
  agreements: string[];
  scopes: string[][][];
  sources: string[];
}

export class ReferenceInterpreter {
  readonly #types = new Map<string, TypeDefinitionNode>();
  readonly #resolvers: Resolvers;

  constructor(sdl: DocumentNode, resolvers: Resolvers) {
    for (const node of sdl.definitions)
      if ('name' in node && node.name) this.#types.set(node.name.value, node as TypeDefinitionNode);
    this.#resolvers = resolvers;
  }

  async execute(
    document: DocumentNode,
    operationName: string | undefined,
    raw: Args,
    access: ReferenceAccess,
    root: unknown,
  ): Promise<ReferenceResult> {
    const operations = document.definitions.filter(
      (n): n is OperationDefinitionNode => n.kind === Kind.OPERATION_DEFINITION,
    );
    const operation = operationName ? operations.find((n) => n.name?.value === operationName) : operations[0];
    if (!operation) throw new Error('the test names an operation that is there');
    const variables = this.#variables(operation, raw);
    const stated = this.#statedPurpose(operation);
    const run: Run = {
      document,
      variables,
      access,
      purpose: access.purpose || stated,
      met: new Map(),
      deidentified: new Set(),
      resolvers: this.#resolvers,
    };
    const rootType = operation.operation === 'mutation' ? 'Mutation' : 'Query';
    const reach = new Set<string>();
    this.#reach(run, operation.selectionSet, [rootType], reach);
    const blank: ReferenceResult = {
      data: null,
      withholdings: [],
      withheld: new Set(),
      deidentified: new Set(),
      verdicts: new Map(),
    };
    if (access.purpose && stated && access.purpose !== stated) return { ...blank, badInput: true };
    const governed = [...reach].filter((name) => this.#rule(name)?.governed);
    const refusal = governed.length > 0 ? this.#refusal(run) : undefined;
    for (const name of reach) if (this.#rule(name)) blank.verdicts.set(name, this.#judge(run, name, refusal));
    if (refusal)
      return { ...blank, refusal: { code: refusal, rule: articles[refusal] ?? '' }, withheld: new Set(governed) };
    const data = await this.#selections(run, [operation.selectionSet], rootType, root, [], '');
    const withholdings = [...run.met.values()];
    return {
      ...blank,
      data,
      withholdings,
      withheld: new Set(withholdings.map(({ coordinate }) => coordinate)),
      deidentified: run.deidentified,
    };
  }

  // ---- what may be read -------------------------------------------------------------------------------------------

  #refusal({ access, purpose }: Run): string | undefined {
    if (!access.principal) return 'UNAUTHENTICATED';
    if (!purpose) return 'PURPOSE_REQUIRED';
    return purposeNames.includes(purpose) && access.grantedPurposes.includes(purpose)
      ? undefined
      : 'PURPOSE_NOT_GRANTED';
  }

  #judge(run: Run, name: string, refusal: string | undefined): Verdict {
    const rule = this.#rule(name);
    const { access, purpose = '' } = run;
    if (!rule) return { outcome: 'CLEAR' };
    if (!access.principal)
      return { outcome: 'WITHHELD', code: 'UNAUTHENTICATED', rule: articles.UNAUTHENTICATED ?? '' };
    for (const anyOf of rule.scopes) {
      if (anyOf.some((allOf) => allOf.every((scope) => access.scopes?.includes(scope)))) continue;
      return {
        outcome: 'WITHHELD',
        code: 'SCOPE_REQUIRED',
        rule: `@requiresScopes(scopes: ${JSON.stringify(anyOf)}) on ${name}`,
      };
    }
    if (!rule.governed) return { outcome: 'CLEAR' };
    if (refusal) return { outcome: 'WITHHELD', code: refusal, rule: articles[refusal] ?? '' };
    const closed = access.prohibitions?.find(({ category }) => category === rule.category);
    if (closed) return { outcome: 'WITHHELD', code: closed.code, rule: closed.rule };
    const method = rule.methods.find(({ purposes }) => purposes.includes(purpose))?.by;
    if (!method && rule.allow && !rule.allow.includes(purpose)) {
      return {
        outcome: 'WITHHELD',
        code: 'PURPOSE_NOT_PERMITTED',
        rule: `@purposes(allow: [${rule.allow.join(', ')}]) on ${name}`,
      };
    }
    const unsigned = rule.agreements.find((kind) => !access.agreements?.includes(kind));
    if (unsigned)
      return {
        outcome: 'WITHHELD',
        code: 'AGREEMENT_REQUIRED',
        rule: `@requiresAgreement(kind: ${unsigned}) on ${name}`,
      };
    const sources = rule.sources.map((source) => this.#judge(run, source, refusal));
    for (const source of sources) if (source.outcome === 'WITHHELD') return source;
    const masked = sources.find((source) => source.outcome === 'DEIDENTIFIED');
    if (masked && !method) return { outcome: 'WITHHELD', code: 'PURPOSE_NOT_PERMITTED', rule: masked.rule ?? '' };
    if (rule.evidence) {
      const readable = new Set<string | undefined>();
      const barred: Verdict[] = [];
      for (const one of rule.evidence) {
        const told = this.#judge(run, one, refusal);
        const isForm = told.outcome === 'DEIDENTIFIED' && (this.#isNonNull(one) || told.method === 'SUPPRESS');
        if (told.outcome === 'WITHHELD' || isForm) barred.push(told);
        else readable.add(this.#rule(one)?.category);
      }
      if (readable.size === 0) {
        const [why] = [...barred.filter(({ outcome }) => outcome === 'WITHHELD'), ...barred.slice(-1)];
        return { outcome: 'WITHHELD', code: why?.code ?? 'PURPOSE_NOT_PERMITTED', rule: why?.rule ?? '' };
      }
      if (!rule.category) return { outcome: 'CLEAR', asks: readable.size };
    }
    if (method)
      return { outcome: 'DEIDENTIFIED', rule: `@deidentify(for: [${purpose}], by: ${method}) on ${name}`, method };
    return { outcome: 'CLEAR' };
  }

  #rule(coordinate: string): Rule | undefined {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const field = this.#field(typeName, fieldName);
    const type = this.#types.get(typeName);
    if (!field || !type) return undefined;
    const all = (nodes: readonly ConstDirectiveNode[] | undefined, name: string): Args[] =>
      (nodes ?? []).filter((node) => node.name.value === name).map(argumentsOf);
    const on = (name: string) => all(field.directives, name);
    const [personal] = on('personalData');
    const derived = on('derivedFrom');
    const scopes = [...all(type.directives, 'requiresScopes'), ...on('requiresScopes')];
    const rows = on('personalRows').length > 0;
    if (!personal && !rows && derived.length === 0 && scopes.length === 0) return undefined;
    const domain = on('deidentify').find((usage) => usage.domain)?.domain as string | undefined;
    const [purposes] = on('purposes');
    const allow = purposes ? (purposes.allow as string[]) : derived.length > 0 || !personal ? undefined : [];
    return {
      governed: personal !== undefined || rows || derived.length > 0,
      ofRow: personal !== undefined || derived.length > 0 || (rows && this.#isHolder(typeName)),
      ...(rows ? { evidence: this.#evidence(typeName, field) } : {}),
      ...(personal ? { category: personal.category as string } : {}),
      ...(allow ? { allow } : {}),
      ...(domain ? { domain } : {}),
      methods: on('deidentify').map((usage) => ({ purposes: usage.for as string[], by: usage.by as string })),
      agreements: on('requiresAgreement').map((usage) => usage.kind as string),
      scopes: scopes.map((usage) => usage.scopes as string[][]),
      sources: derived
        .flatMap((usage) => usage.fields as string[])
        .map((source) => (source.includes('.') ? source : `${typeName}.${source}`))
        .flatMap((source) => this.#concrete(source)),
    };
  }

  #isHolder(type: string): boolean {
    if (type === 'Query' || type === 'Mutation') return false;
    return this.#fields(type).some(isPersonal);
  }

  #evidence(typeName: string, field: FieldDefinitionNode): string[] {
    const fromWithin = this.#isHolder(typeName);
    const seen = new Set<string>();
    const visit = (name: string): void => {
      for (const type of this.#possible(name)) {
        if (seen.has(type)) continue;
        seen.add(type);
        for (const inner of this.#fields(type)) {
          const isWay = !isPersonal(inner) && !says(inner, 'personalRows') && !this.#isHolder(type);
          if (isWay || !fromWithin) visit(namedType(inner.type));
        }
      }
    };
    visit(namedType(field.type));
    const personal = [...seen]
      .filter((type) => this.#isHolder(type))
      .flatMap((type) =>
        this.#fields(type)
          .filter(isPersonal)
          .map((one) => `${type}.${one.name.value}`),
      )
      .sort();
    const nullable = personal.filter((one) => !this.#isNonNull(one));
    return nullable.length > 0 ? nullable : personal;
  }

  #isNonNull(coordinate: string): boolean {
    const [type = '', field = ''] = coordinate.split('.');
    return this.#field(type, field)?.type.kind === Kind.NON_NULL_TYPE;
  }

  // ---- what can be reached ------------------------------------------------------------------------------------------

  #reach(run: Run, set: SelectionSetNode, types: string[], into: Set<string>): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on = selection.typeCondition?.name.value;
        this.#reach(
          run,
          selection.selectionSet,
          on ? types.filter((type) => this.#possible(on).includes(type)) : types,
          into,
        );
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragmentOf(run.document, selection.name.value);
        const possible = this.#possible(fragment.typeCondition.name.value);
        this.#reach(
          run,
          fragment.selectionSet,
          types.filter((type) => possible.includes(type)),
          into,
        );
      } else {
        for (const type of types) {
          const field = this.#field(type, selection.name.value);
          if (!field) continue;
          this.#add(`${type}.${field.name.value}`, into);
          for (const read of this.#argumentsInDocument(field, selection))
            for (const name of this.#concrete(read)) this.#add(name, into);
          if (selection.selectionSet)
            this.#reach(run, selection.selectionSet, this.#possible(namedType(field.type)), into);
        }
      }
    }
  }

  #add(coordinate: string, into: Set<string>): void {
    const rule = this.#rule(coordinate);
    if (!rule) return;
    into.add(coordinate);
    for (const source of rule.sources) this.#add(source, into);
  }

  #argumentsInDocument(field: FieldDefinitionNode, node: FieldNode): string[] {
    return (field.arguments ?? []).flatMap((input) => {
      const value = node.arguments?.find((argument) => argument.name.value === input.name.value)?.value;
      return value ? this.#inValue(input, value) : this.#inDefault(input);
    });
  }

  #inDefault(input: InputValueDefinitionNode): string[] {
    return input.defaultValue ? this.#inValue(input, input.defaultValue) : [];
  }

  #inValue(input: InputValueDefinitionNode, value: ValueNode): string[] {
    return [...boundTo(input), ...this.#inside(namedType(input.type), value, new Set())];
  }

  #inside(typeName: string, value: ValueNode, seen: Set<string>): string[] {
    const fields = this.#inputFields(typeName);
    if (fields.length === 0) return [];
    if (value.kind === Kind.VARIABLE) {
      if (seen.has(typeName)) return [];
      const next = new Set(seen).add(typeName);
      return fields.flatMap((field) => [...boundTo(field), ...this.#inside(namedType(field.type), value, next)]);
    }
    if (value.kind === Kind.LIST) return value.values.flatMap((item) => this.#inside(typeName, item, seen));
    if (value.kind !== Kind.OBJECT) return [];
    return fields.flatMap((field) => {
      const written = value.fields.find((node) => node.name.value === field.name.value)?.value;
      return written ? this.#inValue(field, written) : this.#inDefault(field);
    });
  }

  // ---- execution ----------------------------------------------------------------------------------------------------

  async #selections(
    run: Run,
    sets: SelectionSetNode[],
    type: string,
    source: unknown,
    path: Path,
    place: string,
  ): Promise<unknown> {
    const grouped = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const set of sets) this.#collect(run, set, type, grouped, visited);
    const result: Args = {};
    for (const [key, nodes] of grouped) {
      const [node] = nodes;
      if (!node) continue;
      result[key] =
        node.name.value === '__typename'
          ? type
          : await this.#resolve(run, type, nodes, node, source, [...path, key], place);
    }
    return result;
  }

  #collect(run: Run, set: SelectionSetNode, type: string, into: Map<string, FieldNode[]>, visited: Set<string>): void {
    for (const selection of set.selections) {
      if (!this.#included(run, selection.directives)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        into.set(key, [...(into.get(key) ?? []), selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on = selection.typeCondition?.name.value;
        if (!on || this.#possible(on).includes(type)) this.#collect(run, selection.selectionSet, type, into, visited);
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        const fragment = fragmentOf(run.document, selection.name.value);
        if (this.#possible(fragment.typeCondition.name.value).includes(type)) {
          this.#collect(run, fragment.selectionSet, type, into, visited);
        }
      }
    }
  }

  #included(run: Run, directives: readonly DirectiveNode[] | undefined): boolean {
    for (const directive of directives ?? []) {
      const value = directive.arguments?.[0]?.value;
      if (!value) continue;
      const truth = value.kind === Kind.VARIABLE ? run.variables[value.name.value] : valueFromASTUntyped(value);
      if (directive.name.value === 'skip' && truth === true) return false;
      if (directive.name.value === 'include' && truth === false) return false;
    }
    return true;
  }

  async #resolve(
    run: Run,
    type: string,
    nodes: FieldNode[],
    node: FieldNode,
    source: unknown,
    path: Path,
    place: string,
  ): Promise<unknown> {
    const name = `${type}.${node.name.value}`;
    const field = this.#field(type, node.name.value);
    if (!field) throw new Error(`the test selects ${name}, which is not there`);
    const args = this.#arguments(field, node, run.variables);
    let refused = false;
    for (const input of field.arguments ?? []) {
      if (args[input.name.value] === undefined) continue;
      for (const read of this.#reads(input, args[input.name.value])) {
        for (const coordinate of this.#concrete(read)) {
          const verdict = this.#judge(run, coordinate, undefined);
          if (verdict.outcome === 'CLEAR') continue;
          refused = true;
          const why = { code: 'PURPOSE_NOT_PERMITTED', ...verdict };
          meet(run, coordinate, why, path, place, `${name}(${input.name.value}:)`);
        }
      }
    }
    if (refused) return null;
    const read = async (): Promise<unknown> => {
      const resolver = run.resolvers.get(name);
      if (resolver) return resolver(source, args);
      const property = (source as Args | undefined)?.[node.name.value];
      return typeof property === 'function' ? property() : property;
    };
    const rule = this.#rule(name);
    const verdict = this.#judge(run, name, undefined);
    const withheldBy =
      verdict.outcome === 'WITHHELD'
        ? { code: verdict.code ?? '', rule: verdict.rule ?? '' }
        : rule?.ofRow
          ? askRow(run, source, name, verdict.asks ?? 1)
          : undefined;
    if (withheldBy) {
      meet(run, name, withheldBy, path, place);
      if (field.type.kind !== Kind.NON_NULL_TYPE) return null;
      const fallback = rule?.methods.find(({ by }) => by !== 'SUPPRESS')?.by ?? 'SUPPRESS';
      return deidentified(fallback, await read(), run.access.pseudonymKey, rule?.domain ?? name);
    }
    if (verdict.outcome === 'DEIDENTIFIED') {
      run.deidentified.add(name);
      const value = deidentified(verdict.method ?? '', await read(), run.access.pseudonymKey, rule?.domain ?? name);
      return this.#complete(run, field.type, nodes, value, path, `${place}/${path.at(-1)}`);
    }
    return this.#complete(run, field.type, nodes, await read(), path, `${place}/${path.at(-1)}`);
  }

  async #complete(
    run: Run,
    type: TypeNode,
    nodes: FieldNode[],
    value: unknown,
    path: Path,
    place: string,
  ): Promise<unknown> {
    if (type.kind === Kind.NON_NULL_TYPE) return this.#complete(run, type.type, nodes, value, path, place);
    if (value === null || value === undefined) return null;
    if (type.kind === Kind.LIST_TYPE) {
      const items: unknown[] = [];
      for (const [index, item] of (value as unknown[]).entries()) {
        items.push(await this.#complete(run, type.type, nodes, await item, [...path, index], `${place}/${index}`));
      }
      return items;
    }
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (sets.length === 0) return value;
    return this.#selections(run, sets, (value as { __typename: string }).__typename, value, path, place);
  }

  // ---- inputs -------------------------------------------------------------------------------------------------------

  *#reads(input: InputValueDefinitionNode, value: unknown): Generator<string> {
    yield* boundTo(input);
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item !== 'object' || item === null) continue;
      for (const field of this.#inputFields(namedType(input.type))) {
        const inner = (item as Args)[field.name.value];
        if (inner !== undefined) yield* this.#reads(field, inner);
      }
    }
  }

  #statedPurpose(operation: OperationDefinitionNode): string | undefined {
    const directive = operation.directives?.find((node) => node.name.value === 'purpose');
    return directive ? String(argumentsOf(directive).is) : undefined;
  }

  #variables(operation: OperationDefinitionNode, raw: Args): Args {
    const result: Args = {};
    for (const { variable, type, defaultValue } of operation.variableDefinitions ?? []) {
      const name = variable.name.value;
      if (Object.hasOwn(raw, name)) result[name] = this.#coerce(type, raw[name]);
      else if (defaultValue) result[name] = this.#coerce(type, valueFromASTUntyped(defaultValue));
    }
    return result;
  }

  #arguments(field: FieldDefinitionNode, node: FieldNode, variables: Args): Args {
    const result: Args = {};
    for (const input of field.arguments ?? []) {
      const value = node.arguments?.find((argument) => argument.name.value === input.name.value)?.value;
      const given = value && this.#literal(value, variables);
      if (given !== undefined) result[input.name.value] = this.#coerce(input.type, given);
      else if (input.defaultValue)
        result[input.name.value] = this.#coerce(input.type, valueFromASTUntyped(input.defaultValue));
    }
    return result;
  }

  #literal(value: ValueNode, variables: Args): unknown {
    if (value.kind === Kind.VARIABLE) return variables[value.name.value];
    if (value.kind === Kind.LIST) return value.values.map((item) => this.#literal(item, variables) ?? null);
    if (value.kind !== Kind.OBJECT) return valueFromASTUntyped(value);
    const entries = value.fields.map((field) => [field.name.value, this.#literal(field.value, variables)] as const);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
  }

  #coerce(type: TypeNode, value: unknown): unknown {
    if (value === null || value === undefined) return value;
    if (type.kind === Kind.NON_NULL_TYPE) return this.#coerce(type.type, value);
    if (type.kind === Kind.LIST_TYPE)
      return (Array.isArray(value) ? value : [value]).map((item) => this.#coerce(type.type, item));
    const fields = this.#inputFields(type.name.value);
    if (fields.length === 0) return value;
    const result: Args = {};
    for (const field of fields) {
      const name = field.name.value;
      const inner = (value as Args)[name];
      if (inner !== undefined) result[name] = this.#coerce(field.type, inner);
      else if (field.defaultValue) result[name] = this.#coerce(field.type, valueFromASTUntyped(field.defaultValue));
    }
    return result;
  }

  // ---- the schema ---------------------------------------------------------------------------------------------------

  #field(type: string, field: string): FieldDefinitionNode | undefined {
    const node = this.#types.get(type);
    if (node?.kind !== Kind.OBJECT_TYPE_DEFINITION && node?.kind !== Kind.INTERFACE_TYPE_DEFINITION) return undefined;
    return node.fields?.find(({ name }) => name.value === field);
  }

  #fields(type: string): readonly FieldDefinitionNode[] {
    const node = this.#types.get(type);
    return node?.kind === Kind.OBJECT_TYPE_DEFINITION ? (node.fields ?? []) : [];
  }

  #inputFields(type: string): readonly InputValueDefinitionNode[] {
    const node = this.#types.get(type);
    return node?.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION ? (node.fields ?? []) : [];
  }

  #possible(name: string): string[] {
    const node = this.#types.get(name);
    if (node?.kind === Kind.OBJECT_TYPE_DEFINITION) return [name];
    if (node?.kind === Kind.UNION_TYPE_DEFINITION) return (node.types ?? []).map((member) => member.name.value);
    return [...this.#types.values()].flatMap((type) =>
      type.kind === Kind.OBJECT_TYPE_DEFINITION && type.interfaces?.some((parent) => parent.name.value === name)
        ? [type.name.value]
        : [],
    );
  }

  #concrete(coordinate: string): string[] {
    const [type = '', field = ''] = coordinate.split('.');
    return this.#possible(type).map((name) => `${name}.${field}`);
  }
}

interface Run {
  document: DocumentNode;
  variables: Args;
  access: ReferenceAccess;
  purpose: string | undefined;
  met: Map<string, Withholding>;
  deidentified: Set<string>;
  resolvers: Resolvers;
}

function meet(
  { met }: Run,
  coordinate: string,
  { code = '', rule = '' }: { code?: string; rule?: string },
  path: Path,
  place: string,
  argument?: string,
): void {
  const key = JSON.stringify([coordinate, code, rule, argument]);
  const by = argument === undefined ? {} : { argument };
  const known = met.get(key) ?? { coordinate, code, rule, ...by, places: new Set(), paths: new Set() };
  met.set(key, known);
  known.places.add(place);
  known.paths.add(JSON.stringify(path));
}

/** A row that leads to rows of several categories is asked for each until it gives one. */
function askRow(run: Run, row: unknown, coordinate: string, times: number): { code: string; rule: string } | undefined {
  const answers: Array<{ code: string; rule: string }> = [];
  for (let i = 0; i < times; i++) {
    const answer = askRowOnce(run, row, coordinate);
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers[0];
}

function askRowOnce({ access }: Run, row: unknown, coordinate: string): { code: string; rule: string } | undefined {
  try {
    const answer = access.row?.(row, coordinate);
    return typeof answer === 'string' ? { code: answer, rule: articles[answer] ?? 'row rule' } : answer;
  } catch {
    return { code: 'PROCESSING_RESTRICTED', rule: 'the row rule failed' };
  }
}

function deidentified(method: string, value: unknown, key: Uint8Array, domain: string): unknown {
  if (value === null || value === undefined || method === 'SUPPRESS') return null;
  if (Array.isArray(value)) return value.map((item) => deidentified(method, item, key, domain));
  const text = String(value);
  if (method === 'PSEUDONYM')
    return `p_${createHmac('sha256', key).update(domain).update('\0').update(text).digest('base64url').slice(0, 22)}`;
  if (method === 'PARTIAL')
    return /^[\d -]{8,}$/.test(text) ? `••••${text.replace(/\D/g, '').slice(-4)}` : `${text[0]}•••`;
  if (method === 'GENERALIZE') return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text.slice(0, 4)}-01-01` : null;
  // BUCKET; the test's numbers lie between 10^9 and 2 * 10^9.
  return 1_000_000_000;
}

const says = (field: FieldDefinitionNode, directive: string): boolean =>
  (field.directives ?? []).some(({ name }) => name.value === directive);

const isPersonal = (field: FieldDefinitionNode): boolean => says(field, 'personalData') || says(field, 'derivedFrom');

const boundTo = (input: InputValueDefinitionNode): string[] =>
  (input.directives ?? [])
    .filter((node) => node.name.value === 'governedBy')
    .map((node) => String(argumentsOf(node).field));

const argumentsOf = (node: DirectiveNode): Args =>
  Object.fromEntries((node.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]));

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

function fragmentOf(document: DocumentNode, name: string) {
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === name) return node;
  }
  throw new Error(`the test spreads ${name}, which is not there`);
}
