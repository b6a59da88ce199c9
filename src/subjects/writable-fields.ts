import { Directive, Field } from 'type-graphql';
import { denied } from '../identity/request-context';
import type { EntityClass } from '../storage/entity-class';

type GraphQLTypeOf = () => unknown;

interface Writing {
  /** The type in the input; String unless told. */
  readonly type?: GraphQLTypeOf;
  readonly description?: string;
  /** The most characters of a text; 1,000 unless told. */
  readonly limit?: number;
  /** What else a text must be. @throws {GraphQLError} BAD_USER_INPUT naming the field */
  readonly check?: (field: string, text: string) => void;
  /** The field of the API that whoever writes it must be able to read; its own unless told. */
  readonly governedBy?: string;
  /** Said when a row is made, and not changed later. */
  readonly onlyWhenCreated?: true;
}

const USUAL_LIMIT = 1_000;
const declared = new Map<EntityClass, Map<string, Writing>>();

/**
 * A field that a mutation may write. It is in the inputs of the mutation and is checked there; nothing else lists it.
 * What one may not read, one may not write.
 */
export function Writable(writing: Writing = {}): PropertyDecorator {
  return (target, property) => {
    const entity = target.constructor as EntityClass;
    const fields = declared.get(entity) ?? new Map<string, Writing>();
    declared.set(entity, fields.set(String(property), writing));
  };
}

/** Puts an entity's writable fields into an input class; those that are said once alone where `onlyWhenCreated`. */
export function WritesFieldsOf(entity: EntityClass, { onlyWhenCreated = false } = {}): ClassDecorator {
  return ({ prototype }) => {
    for (const [property, writing] of declared.get(entity) ?? []) {
      if ((writing.onlyWhenCreated ?? false) !== onlyWhenCreated) continue;
      const { type = () => String, description, governedBy = `${entity.name}.${property}` } = writing;
      Directive(`@governedBy(field: "${governedBy}")`)(prototype as object, property);
      const options = { nullable: true, ...(description ? { description } : {}) };
      Field(type as () => typeof String, options)(prototype as object, property);
    }
  };
}

/**
 * Checks what an input says of an entity's writable fields.
 * @param within where the input stands, as `postalAddress.`
 * @throws {GraphQLError} BAD_USER_INPUT naming the first field that is not right
 */
export function checkWritten(entity: EntityClass, input: object, within = ''): void {
  const written = input as Readonly<Record<string, unknown>>;
  const texts = [...(declared.get(entity) ?? [])].flatMap(([property, writing]) => {
    const text = written[property];
    return typeof text === 'string' ? [{ field: within + property, text, writing }] : [];
  });
  for (const { field, text, writing } of texts) {
    const most = writing.limit ?? USUAL_LIMIT;
    if (text.length > most) throw denied.input(`"${field}" is longer than ${most} characters.`);
  }
  for (const { field, text, writing } of texts) if (text !== '') writing.check?.(field, text);
}
