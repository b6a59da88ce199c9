import { type GraphQLSchema, getNamedType, isLeafType } from 'graphql';
import { type FieldEntry, FieldTable } from '../governance/govern';
import { type EntityClass } from '../storage/entity-class';
import { declaredFields, declaringClasses, type StoredField, tableOf } from '../tenancy/tenant-table';
import type { Gap } from './gap';

type Fielded = FieldEntry['type'];

/** Fields of types about people that the schema leaves ungoverned, or governs differently from their declaration. */
export function schemaGaps(schema: GraphQLSchema, tenants: readonly EntityClass[]): Gap[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const table = new FieldTable(schema);
  return table.types
    .filter((type) => !roots.some((root) => root?.name === type.name))
    .filter((type) => isAboutSubject(type, table.of(type), tenants))
    .flatMap((type) => table.of(type).flatMap(fieldGaps));
}

/** A type is about a person if its rows are, or if a field of it is personal. */
function isAboutSubject(type: Fielded, fields: readonly FieldEntry[], tenants: readonly EntityClass[]): boolean {
  const entity = tenants.find(({ name }) => name === type.name);
  if (entity && tableOf(entity).subject) return true;
  const declared = declarationsOf(type).flatMap((each) => [...declaredFields(each).values()]);
  if (declared.some(({ personal }) => personal)) return true;
  return fields.some(({ personal }) => personal);
}

function fieldGaps({ at, type, field, rule, personal, nonPersonal }: FieldEntry): Gap[] {
  const declared = declaredField(type, field.name);
  if (rule && personal) {
    // A derived field is stored nowhere. Its sources are declared.
    if (!declared?.personal && rule.derivedFrom.length > 0) return [];
    if (!declared?.personal) {
      const remedy = 'declare the field by @PersonalData instead of by directives alone';
      return [{ at, fault: 'is governed, but has no retention and erasure action', remedy }];
    }
    const { category } = declared.personal;
    if (rule.category === undefined || rule.category === category) return [];
    const fault = `is ${rule.category} in the schema and ${category} in storage`;
    return [{ at, fault, remedy: 'say its category once, by @PersonalData' }];
  }
  if (declared?.personal) {
    const remedy = 'let the schema be built from the class, and nothing take directives away';
    return [{ at, fault: 'is personal in storage, but ungoverned in the schema', remedy }];
  }
  if (!isLeafType(getNamedType(field.type)) || nonPersonal) return [];
  const remedy = 'declare it by @PersonalData, or by @NonPersonal with its reason';
  return [{ at, fault: 'is about a person, and neither governed nor said to be non-personal', remedy }];
}

function declaredField(type: Fielded, field: string): StoredField | undefined {
  return declarationsOf(type)
    .map((declaring) => declaredFields(declaring).get(field))
    .find((declared) => declared !== undefined);
}

/** The classes that declare a type's fields: its own, and the resolver of computed ones. */
function declarationsOf(type: Fielded): EntityClass[] {
  return declaringClasses().filter(({ name }) => name === type.name || name === `${type.name}Resolver`);
}
