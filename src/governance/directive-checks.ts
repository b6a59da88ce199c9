import {
  astFromValue,
  type ConstDirectiveNode,
  type GraphQLDirective,
  type GraphQLSchema,
  getDirectiveValues,
  print,
  specifiedDirectives,
} from 'graphql';
import { suggestionList } from 'graphql/jsutils/suggestionList.js';
import { annotatedElements, annotations, type SchemaDirectives } from './schema-directives';

/**
 * Faults in how directives are written: unknown or misspelt directives, unknown or wrong arguments, wrong places, and
 * definitions that differ from Remit's under the same name. Builders such as type-graphql's accept all of these
 * silently (GHSA-g8jh-vg5j-4h3f is what that leads to).
 */
export function directiveFaults({ schema, own }: SchemaDirectives): string[] {
  const known = new Map<string, GraphQLDirective>(
    [...specifiedDirectives, ...schema.getDirectives(), ...own.values()].map((d) => [d.name, d]),
  );
  const faults = [...definitionFaults(schema, own)];
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

function definitionFaults(schema: GraphQLSchema, own: ReadonlyMap<string, GraphQLDirective>): string[] {
  const faults: string[] = [];
  for (const directive of schema.getDirectives()) {
    const ours = own.get(directive.name);
    if (ours && signature(ours) !== signature(directive)) {
      faults.push(
        `@${directive.name}: the schema defines it as ${signature(directive)}; it must be ${signature(ours)}`,
      );
    }
  }
  return faults;
}

function signature({ name, args, isRepeatable, locations }: GraphQLDirective): string {
  const parameters = args.map(({ name, type, defaultValue }) => {
    const written = defaultValue === undefined ? null : astFromValue(defaultValue, type);
    return `${name}: ${type}${written ? ` = ${print(written)}` : ''}`;
  });
  const places = [...locations].sort().join(' | ');
  return `@${name}(${parameters.join(', ')})${isRepeatable ? ' repeatable' : ''} on ${places}`;
}

/** The known word closest to a misspelt one, if any is close. */
function nearest(word: string, known: readonly string[]): string | undefined {
  return suggestionList(word, known)[0];
}
