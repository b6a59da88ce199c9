import type { EntityClass } from '../../storage/entity-class';
import type { FieldType } from './field-types';

const declared = new Map<EntityClass, Map<string, FieldType | EntityClass>>();

/**
 * A field that a file may fill. A mapping names it; nothing else lists it.
 * @param read reads the file's text, or the class whose importable fields are parts of this one
 */
export function Importable(read: FieldType | EntityClass): PropertyDecorator {
  return (target, property) => {
    const entity = target.constructor as EntityClass;
    const fields = declared.get(entity) ?? new Map<string, FieldType | EntityClass>();
    declared.set(entity, fields.set(String(property), read));
  };
}

/** An entity's importable fields, in the order of declaration; a part is named `postalAddress.city`. */
export function importableFields(entity: EntityClass, within = ''): Readonly<Record<string, FieldType>> {
  const fields = [...(declared.get(entity) ?? [])].flatMap(([property, read]) => {
    const name = within + property;
    return isEntity(read) ? Object.entries(importableFields(read, `${name}.`)) : [[name, read] as const];
  });
  return Object.fromEntries(fields);
}

const isEntity = (read: FieldType | EntityClass): read is EntityClass => declared.has(read as EntityClass);
