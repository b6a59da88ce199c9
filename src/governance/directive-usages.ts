import {
  buildASTSchema,
  type ConstDirectiveNode,
  type GraphQLDirective,
  type GraphQLEnumType,
  type GraphQLSchema,
  getDirectiveValues,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  print,
  specifiedDirectives,
} from 'graphql';
import { suggestionList } from 'graphql/jsutils/suggestionList.js';
import { governanceTypeDefs } from './type-defs';

/** Remit's own directives as graphql sees them, whether or not the schema defines them. */
export const governanceDirectives: ReadonlyMap<string, GraphQLDirective> = new Map(
  buildASTSchema(parse(`${governanceTypeDefs}\ntype Query { _: Boolean }`))
    .getDirectives()
    .filter((directive) => !specifiedDirectives.some((specified) => specified.name === directive.name))
    .map((directive) => [directive.name, directive]),
);

interface Annotated {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] } | null | undefined;
  readonly extensionASTNodes?: ReadonlyArray<{ readonly directives?: readonly ConstDirectiveNode[] | undefined }>;
}

/** Arguments by where they are written; start-up asks for the same ones many times. */
const argumentsRead = new WeakMap<ConstDirectiveNode, Record<string, unknown>>();

/** A directive's arguments where it stands on the element, once for each time it stands there. */
export function usages(element: Annotated, name: string): Array<Record<string, unknown>> {
  const directive = governanceDirectives.get(name);
  if (!directive) throw new Error(`@${name} is not a directive of Remit`);
  return annotations(element)
    .filter((node) => node.name.value === name)
    .map((node) => {
      const known = argumentsRead.get(node) ?? getDirectiveValues(directive, { directives: [node] }) ?? {};
      argumentsRead.set(node, known);
      return known;
    });
}

/** Whether anything in the schema says something of governance. */
export function isAnnotated(schema: GraphQLSchema): boolean {
  for (const { element } of annotatedElements(schema)) {
    if (annotations(element).some(({ name }) => governanceDirectives.has(name.value))) return true;
  }
  return false;
}

function annotations({ astNode, extensionASTNodes }: Annotated): ConstDirectiveNode[] {
  return [astNode, ...(extensionASTNodes ?? [])].flatMap((node) => node?.directives ?? []);
}

/** Every directive of the schema as text, one line an element that carries any: equal governance, equal text. */
export function directiveText(schema: GraphQLSchema): string {
  const lines = [...annotatedElements(schema)].map(
    ({ coordinate, element }) => `${coordinate} ${annotations(element).map(print).join(' ')}`,
  );
  return lines.sort().join('\n');
}

/**
 * Faults in how directives are written: unknown or misspelt ones, unknown or wrong arguments, places they may not
 * stand in, and definitions that differ from Remit's under the same name. Builders such as type-graphql's accept all of
 * these silently (GHSA-g8jh-vg5j-4h3f is what that leads to).
 */
export function directiveFaults(schema: GraphQLSchema): string[] {
  const known = new Map<string, GraphQLDirective>(
    [...specifiedDirectives, ...schema.getDirectives(), ...governanceDirectives.values()].map((d) => [d.name, d]),
  );
  const faults = [...definitionFaults(schema)];
  for (const { coordinate, location, element } of annotatedElements(schema)) {
    for (const node of annotations(element)) {
      const name = node.name.value;
      const directive = known.get(name);
      if (!directive) {
        const near = nearest(name, [...known.keys()]);
        faults.push(
          `${coordinate}: @${name} is not a known directive${near ? `; write @${near}` : '; define or remove it'}`,
        );
        continue;
      }
      if (!directive.locations.some((allowed) => allowed === location)) {
        faults.push(
          `${coordinate}: @${name} may not stand on ${location}; it belongs on ${directive.locations.join(' or ')}`,
        );
      }
      faults.push(...argumentFaults(coordinate, directive, node));
    }
  }
  return faults;
}

function argumentFaults(coordinate: string, directive: GraphQLDirective, node: ConstDirectiveNode): string[] {
  const names = directive.args.map((arg) => arg.name);
  const unknown = (node.arguments ?? []).filter((arg) => !names.includes(arg.name.value));
  if (unknown.length > 0) {
    return unknown.map(({ name }) => {
      const near = nearest(name.value, names) ?? names.join(', ');
      return `${coordinate}: @${directive.name} has no argument "${name.value}"; it takes ${near}`;
    });
  }
  try {
    getDirectiveValues(directive, { directives: [node] });
    return [];
  } catch (error) {
    return [`${coordinate}: @${directive.name} is written wrongly: ${(error as Error).message}`];
  }
}

function definitionFaults(schema: GraphQLSchema): string[] {
  const faults: string[] = [];
  for (const directive of schema.getDirectives()) {
    const own = governanceDirectives.get(directive.name);
    if (own && signature(own) !== signature(directive)) {
      faults.push(`@${directive.name}: the schema defines it as ${signature(directive)}; it must be ${signature(own)}`);
    }
  }
  return faults;
}

function signature({ name, args, isRepeatable, locations }: GraphQLDirective): string {
  const parameters = args.map(
    (arg) => `${arg.name}: ${arg.type}${arg.astNode?.defaultValue ? ` = ${print(arg.astNode.defaultValue)}` : ''}`,
  );
  return `@${name}(${parameters.join(', ')})${isRepeatable ? ' repeatable' : ''} on ${[...locations].sort().join(' | ')}`;
}

function* annotatedElements(
  schema: GraphQLSchema,
): Generator<{ coordinate: string; location: string; element: Annotated }> {
  yield { coordinate: 'schema', location: 'SCHEMA', element: schema as Annotated };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    yield { coordinate: type.name, location: typeLocation(type.constructor.name), element: type as Annotated };
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        const coordinate = `${type.name}.${field.name}`;
        yield { coordinate, location: 'FIELD_DEFINITION', element: field };
        for (const arg of field.args) {
          yield { coordinate: `${coordinate}(${arg.name}:)`, location: 'ARGUMENT_DEFINITION', element: arg };
        }
      }
    } else if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        yield { coordinate: `${type.name}.${field.name}`, location: 'INPUT_FIELD_DEFINITION', element: field };
      }
    } else if (isEnumType(type)) {
      for (const value of (type as GraphQLEnumType).getValues()) {
        yield { coordinate: `${type.name}.${value.name}`, location: 'ENUM_VALUE', element: value };
      }
    }
  }
}

function typeLocation(className: string): string {
  const locations: Record<string, string> = {
    GraphQLObjectType: 'OBJECT',
    GraphQLInterfaceType: 'INTERFACE',
    GraphQLUnionType: 'UNION',
    GraphQLScalarType: 'SCALAR',
    GraphQLEnumType: 'ENUM',
    GraphQLInputObjectType: 'INPUT_OBJECT',
  };
  return locations[className] ?? className;
}

/** The known word closest to a misspelt one, if any is close. */
function nearest(word: string, known: readonly string[]): string | undefined {
  return suggestionList(word, known)[0];
}
