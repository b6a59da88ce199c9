import type { EntityClass } from '../storage/entity-class';
import { tableOf } from '../tenancy/tenant-table';
import type { Relation } from './records';

interface Shown {
  /** Pages, as Relay has them, or one list of no more than LIST_LIMIT rows. */
  readonly as: 'connection' | 'list';
  readonly newestFirst?: true;
  readonly description?: string;
}

/** Rows about a customer that a field of their parent leads to. */
export interface RelatedRows extends Shown {
  readonly relation: Relation;
  /** The class of the parent's GraphQL type. */
  readonly parent: EntityClass;
  /** The parent's field. */
  readonly field: string;
}

const declared: Array<Shown & { entity: EntityClass; parent: () => EntityClass; field: string }> = [];

/**
 * Rows that belong to a parent: a field of the parent lists them. The table's key says how they hang on it: what is
 * named after the parent is the parent's id, the rest they have in common.
 */
export function RelatedTo(parent: () => EntityClass, field: string, shown: Shown): ClassDecorator {
  return (target) => void declared.push({ entity: target as unknown as EntityClass, parent, field, ...shown });
}

/** Every relation that is declared. */
export function relatedRows(): RelatedRows[] {
  return declared.map(({ entity, parent: parentOf, ...shown }) => {
    const parent = parentOf();
    const own = `${parent.name[0]?.toLowerCase()}${parent.name.slice(1)}Id`;
    const shared = tableOf(entity).key.filter((property) => property !== 'clientId' && property !== 'id');
    const relation: Relation = {
      entity,
      type: entity.name,
      parent: Object.fromEntries(shared.map((property) => [property, property === own ? 'id' : property])),
      orderBy: { field: 'id', ...(shown.newestFirst ? { descending: true } : {}) },
    };
    return { ...shown, relation, parent };
  });
}
