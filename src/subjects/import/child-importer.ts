import type { EntityClass } from '../../storage/entity-class';
import { inTransaction } from '../../storage/transaction';
import type { Row } from '../../tenancy/tenant-reader';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { refusedWrites, type WriteRefusal } from '../writable';
import { DryRun } from './dry-run';
import { type Fault, refusalFault } from './errors';
import { ERASED, ExternalIds, type FoundBy, type ImportTarget, SEVERAL } from './external-ids';
import type { Importer } from './importer';
import type { MappedRow } from './mapped-row';
import type { Mapping } from './mapping';
import { begin, change, type Outcome, type Pending } from './pending-rows';

/** Rows that belong to a parent row, which the file names by its external id. */
interface ChildKind {
  readonly entity: EntityClass;
  readonly parent: {
    readonly entity: EntityClass;
    /** The fields of a mapping that can name the parent → what it is found by. */
    readonly by: Readonly<Record<string, FoundBy>>;
    /** Its noun with article, for messages. */
    readonly name: string;
    /** The child's properties that link it, from the parent's row. */
    readonly link: (parent: Row) => Row;
  };
  readonly newId: (values: Row, line: number) => string;
}

/** Imports rows whose parents exist. A row keeps its first parent. */
export async function childImporter(target: ImportTarget, mapping: Mapping, kind: ChildKind): Promise<Importer> {
  const { entity, parent } = kind;
  const ids = new ExternalIds(target);
  const field = mapping.parent ?? '';
  const by = parent.by[field] ?? 'externalId';
  const noun = parent.name.replace(/^\w+ /, '');
  const fields = mapping.fields.map((mapped) => mapped.field).filter((name) => name !== field);
  const plan = new DryRun(target);

  async function take(rows: readonly MappedRow[]): Promise<Array<Outcome | Fault>> {
    const named = rows.flatMap(({ values }) => (typeof values[field] === 'string' ? [values[field]] : []));
    const parents = await ids.find(parent.entity, by, named, []);
    const found = await ids.find(
      entity,
      'externalId',
      rows.map(({ values }) => String(values.externalId)),
      fields,
    );
    const pending = new Map<string, Pending>();
    for (const [id, row] of found) if (typeof row === 'object') pending.set(id, { row, isNew: false, changes: {} });
    const outcomes = rows.map(({ line, values }): Outcome | Fault => {
      const { [field]: parentId, ...changes } = values;
      const id = String(values.externalId);
      const known = pending.get(id);
      // Only the first of an order's lines names its customer.
      if (known && typeof parentId !== 'string') return change(known, changes);
      if (typeof parentId !== 'string') return { reason: 'is missing', field };
      const owner = parents.get(parentId);
      if (!owner) return { reason: `names ${parent.name} that is not there`, field };
      if (owner === SEVERAL) return { reason: `names more than one ${noun}`, field };
      if (owner === ERASED || found.get(id) === ERASED) {
        return { reason: 'is of a person who is being erased', field };
      }
      const link = parent.link(owner);
      if (!known) {
        const row = { id: kind.newId(changes, line), importId: target.importId, ...link };
        const fresh: Pending = { row, isNew: true, changes: {} };
        begin(fresh, changes);
        pending.set(id, fresh);
        return plan.created(id);
      }
      if (Object.entries(link).every(([property, value]) => known.row[property] === value))
        return change(known, changes);
      return { reason: `is of another ${noun} already`, field };
    });
    const refused = await write([...pending.values()], Object.keys(parent.link({})));
    return outcomes.map((outcome, index) => {
      const written = pending.get(String(rows[index]?.values.externalId));
      const refusal = typeof outcome === 'string' && written ? refused.get(personOf(written)) : undefined;
      return refusal ? refusalFault(refusal, field) : outcome;
    });
  }

  /** @returns people about whom nothing may be written, and nothing was */
  async function write(
    pending: readonly Pending[],
    link: readonly string[],
  ): Promise<ReadonlyMap<string, WriteRefusal>> {
    const wanted = pending.filter(({ isNew, changes }) => isNew || Object.keys(changes).length > 0);
    if (wanted.length === 0) return new Map();
    if (target.isDryRun) return plan.refused(wanted.map(personOf));
    return inTransaction(target.source, async (manager) => {
      const writer = new TenantWriter(manager, target.keys);
      const refused = await refusedWrites(writer, target.client, wanted.map(personOf));
      const allowed = wanted.filter((each) => !refused.has(personOf(each)));
      const created = allowed.filter(({ isNew }) => isNew).map(({ row }) => row);
      await writer.insert(entity, target.client, created);
      for (const { isNew, row, changes } of allowed) {
        if (isNew) continue;
        const key = Object.fromEntries([...link, 'id'].map((property) => [property, row[property]]));
        await writer.update(entity, target.client, key, changes);
      }
      return refused;
    });
  }

  return { rowsEach: 1, take };
}

const personOf = ({ row }: Pending): string => String(row.customerId);
