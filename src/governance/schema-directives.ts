import {
  buildASTSchema,
  type ConstDirectiveNode,
  GraphQLDirective,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLSchema,
  getDirectiveValues,
  isEnumType,
  isInputObjectType,
  isInputType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  print,
  specifiedDirectives,
} from 'graphql';
import { type VocabularyTerms, vocabularyOf } from './schema-vocabulary';
import { governanceTypeDefsFor } from './type-defs';

/** An element of a schema that directives may stand on. */
export interface Annotated {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] } | null | undefined;
  readonly extensionASTNodes?: ReadonlyArray<{ readonly directives?: readonly ConstDirectiveNode[] | undefined }>;
}

/** An element with its place and the kind of place it is. */
export interface AnnotatedElement {
  readonly coordinate: string;
  readonly location: string;
  readonly element: Annotated;
}

/** Remit's directives in the words of one schema, and what they say where they stand in it. */
export class SchemaDirectives {
  readonly schema: GraphQLSchema;
  readonly vocabulary: VocabularyTerms;
  /** Remit's own directives as graphql sees them, whether or not the schema defines them. */
  readonly own: ReadonlyMap<string, GraphQLDirective>;

  constructor(schema: GraphQLSchema) {
    this.schema = schema;
    this.vocabulary = vocabularyOf(schema);
    this.own = governanceDirectives(this.vocabulary);
  }

  /** A directive's arguments where it stands on the element, once for each time it stands there. */
  usages(element: Annotated, name: string): Array<Record<string, unknown>> {
    const directive = this.own.get(name);
    if (!directive) throw new Error(`@${name} is not a directive of Remit`);
    return annotations(element)
      .filter((node) => node.name.value === name)
      .map((node) => getDirectiveValues(directive, { directives: [node] }) ?? {});
  }

  has(element: Annotated, name: string): boolean {
    return annotations(element).some((node) => node.name.value === name);
  }

  /** Whether anything in the schema says something of governance. */
  isAnnotated(): boolean {
    for (const { element } of annotatedElements(this.schema)) {
      if (annotations(element).some(({ name }) => this.own.has(name.value))) return true;
    }
    return false;
  }
}

const governanceDirectives = (vocabulary: VocabularyTerms): ReadonlyMap<string, GraphQLDirective> =>
  new Map(
    buildASTSchema(parse(`${governanceTypeDefsFor(vocabulary)}\ntype Query { _: Boolean }`))
      .getDirectives()
      .filter((directive) => !specifiedDirectives.some((specified) => specified.name === directive.name))
      .map((directive) => [directive.name, directive]),
  );

/**
 * Defines Remit's directives in a schema that carries them without defining them, as schemas do that are built from code.
 * Their arguments are bound to the schema's own enums, since a schema has one type of a name.
 */
export function withGovernanceDirectives(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.toConfig();
  const own = (type: GraphQLInputType): GraphQLInputType => {
    if (isNonNullType(type)) return new GraphQLNonNull(own(type.ofType));
    if (isListType(type)) return new GraphQLList(own(type.ofType));
    const named = schema.getType(type.name);
    return isInputType(named) ? named : type;
  };
  const directives = [...governanceDirectives(vocabularyOf(schema)).values()].map((directive) => {
    const { args, ...rest } = directive.toConfig();
    const bound = Object.fromEntries(
      Object.entries(args).map(([name, arg]) => [name, { ...arg, type: own(arg.type) }]),
    );
    return new GraphQLDirective({ ...rest, args: bound });
  });
  return new GraphQLSchema({ ...config, directives: [...config.directives, ...directives] });
}

export function annotations({ astNode, extensionASTNodes }: Annotated): ConstDirectiveNode[] {
  return [astNode, ...(extensionASTNodes ?? [])].flatMap((node) => node?.directives ?? []);
}

/** Every directive of the schema as text, one line an element that carries any: equal governance, equal text. */
export function directiveText(schema: GraphQLSchema): string {
  const lines = [...annotatedElements(schema)].map(
    ({ coordinate, element }) => `${coordinate} ${annotations(element).map(print).join(' ')}`,
  );
  return lines.sort().join('\n');
}

export function* annotatedElements(schema: GraphQLSchema): Generator<AnnotatedElement> {
  yield { coordinate: 'schema', location: 'SCHEMA', element: schema };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    yield { coordinate: type.name, location: typeLocations[type[Symbol.toStringTag]] ?? type.name, element: type };
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
      for (const value of type.getValues()) {
        yield { coordinate: `${type.name}.${value.name}`, location: 'ENUM_VALUE', element: value };
      }
    }
  }
}

const typeLocations: Readonly<Record<string, string>> = {
  GraphQLObjectType: 'OBJECT',
  GraphQLInterfaceType: 'INTERFACE',
  GraphQLUnionType: 'UNION',
  GraphQLScalarType: 'SCALAR',
  GraphQLEnumType: 'ENUM',
  GraphQLInputObjectType: 'INPUT_OBJECT',
};
