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

/** An element of a schema that may carry directives. */
export interface Annotated {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] } | null | undefined;
  readonly extensionASTNodes?: ReadonlyArray<{ readonly directives?: readonly ConstDirectiveNode[] | undefined }>;
}

/** An element with its coordinate and directive location. */
export interface AnnotatedElement {
  readonly coordinate: string;
  readonly location: string;
  readonly element: Annotated;
}

/** Remit's directives in the vocabulary of one schema, and their uses in it. */
export class SchemaDirectives {
  readonly schema: GraphQLSchema;
  readonly vocabulary: VocabularyTerms;
  /** The definitions, whether or not the schema has them. */
  readonly own: ReadonlyMap<string, GraphQLDirective>;

  constructor(schema: GraphQLSchema) {
    this.schema = schema;
    this.vocabulary = vocabularyOf(schema);
    this.own = governanceDirectives(this.vocabulary);
  }

  /** The arguments of each use of a directive on the element. */
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

  /** Whether the schema uses any directive of Remit. */
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
 * Adds the definitions of Remit's directives to a schema that uses them, as schemas built from code do. Their arguments
 * are bound to the schema's own enums, since a schema may have only one type of each name.
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

/** All directives of the schema as text, one line per element, in an order that does not depend on the schema's. */
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
