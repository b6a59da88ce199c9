import { v7 as uuid } from 'uuid';
import { inTransaction } from '../../storage/transaction';
import type { Row } from '../../tenancy/tenant-reader';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { Customer } from '../customer';
import { erasedIdentifiers } from '../identifiers';
import { CustomAttribute } from '../related/custom-attribute';
import { refusedWrites, type WriteRefusal } from '../writable';
import { DryRun } from './dry-run';
import { type Fault, refusalFault } from './errors';
import { ERASED, ExternalIds, type Found, type ImportTarget } from './external-ids';
import type { Importer } from './importer';
import { ATTRIBUTE } from './kinds';
import type { MappedRow } from './mapped-row';
import type { Mapping } from './mapping';
import { begin, change, type Outcome, type Pending } from './pending-rows';

interface PendingCustomer extends Pending {
  readonly attributes: Pending;
  /** Attribute key → the id of its row. */
  readonly storedAttributes: ReadonlyMap<string, string>;
}

const POSTAL = 'postalAddress.';

/**
 * Imports customers with their attributes.
 * @param source where created customers come from (C2), unless the file says it
 */
export async function customerImporter(target: ImportTarget, mapping: Mapping, source: string): Promise<Importer> {
  const ids = new ExternalIds(target);
  const plan = new DryRun(target);
  const mapped = mapping.fields.map(({ field }) => field.split('.')[0] ?? field);
  // A phone number is read by its owner's country.
  const fields = [...new Set([...mapped, ...(mapped.includes('phone') ? ['residency', 'postalAddress'] : [])])];
  const attributeKeys = mapping.fields.flatMap(({ field }) =>
    field.startsWith(ATTRIBUTE) ? [field.slice(ATTRIBUTE.length)] : [],
  );

  async function take(rows: readonly MappedRow[]): Promise<Array<Outcome | Fault>> {
    const found = await ids.find(Customer, 'externalId', rows.map(externalIdOf), fields);
    const stored = [...found.values()].filter((row) => typeof row === 'object');
    const attributes = await storedAttributes(stored.map(({ id }) => String(id)));
    const pending = new Map<string, PendingCustomer>();
    for (const [id, row] of found) {
      if (typeof row === 'object') pending.set(id, pendingOf(row, false, attributes.get(String(row.id))));
    }
    const erased = await erasedAmong(rows, found);
    const outcomes = rows.map((row): Outcome | Fault => {
      const id = externalIdOf(row);
      if (found.get(id) === ERASED) return { reason: 'is of a person who is being erased', field: 'externalId' };
      const field = erased.get(row);
      if (field !== undefined)
        return { reason: 'ERASED: a person known by this was erased; --allow-erased takes it in', field };
      const known = pending.get(id);
      if (known) return apply(known, row.values);
      const fresh = pendingOf({ id: uuid(), source, importId: target.importId, createdAt: new Date() }, true);
      pending.set(id, fresh);
      const { fields: says, attributes: beside } = partsOf(row.values, undefined);
      begin(fresh, says);
      begin(fresh.attributes, beside);
      return plan.created(id);
    });
    const refused = await write([...pending.values()]);
    return outcomes.map((outcome, index) => {
      const written = pending.get(externalIdOf(rows[index] as MappedRow));
      const refusal = typeof outcome === 'string' && written ? refused.get(String(written.row.id)) : undefined;
      return refusal ? refusalFault(refusal, 'externalId') : outcome;
    });
  }

  /** Rows with an identifier of an erased person → the identifier. */
  async function erasedAmong(
    rows: readonly MappedRow[],
    found: ReadonlyMap<string, Found>,
  ): Promise<Map<MappedRow, string>> {
    if (!(await target.erased?.hasAny(target.client))) return new Map();
    const changes = rows.flatMap((row) => {
      const before = found.get(externalIdOf(row));
      if (typeof before === 'string') return [];
      return [{ row, before, after: { ...before, ...partsOf(row.values, before).fields } }];
    });
    const erased = await erasedIdentifiers(target.erased, target.client, changes);
    return new Map([...erased].map(([{ row }, [kind = '']]) => [row, kind]));
  }

  async function storedAttributes(customers: readonly string[]): Promise<Map<string, Row[]>> {
    const byCustomer = new Map<string, Row[]>();
    if (attributeKeys.length === 0 || customers.length === 0) return byCustomer;
    const rows = await ids.reader.select(CustomAttribute, {
      client: target.client,
      fields: ['key', 'value'],
      where: [{ field: 'customerId', is: 'in', value: customers }],
    });
    for (const row of rows) {
      const id = String(row.customerId);
      byCustomer.set(id, [...(byCustomer.get(id) ?? []), row]);
    }
    return byCustomer;
  }

  /** @returns people about whom nothing may be written, and nothing was */
  async function write(pending: readonly PendingCustomer[]): Promise<ReadonlyMap<string, WriteRefusal>> {
    const wanted = pending.filter(isChanged);
    if (wanted.length === 0) return new Map();
    const created = wanted.filter(({ isNew }) => isNew).map(({ row }) => row);
    const known = wanted.filter(({ isNew }) => !isNew).map(({ row }) => String(row.id));
    if (target.isDryRun) return plan.refused(known);
    const made = await target.keys.createSubjectKeys(
      target.client,
      created.map(({ id }) => String(id)),
    );
    return inTransaction(target.source, async (manager) => {
      const writer = new TenantWriter(manager, target.keys, made, target.sealing);
      const refused = await refusedWrites(writer, target.client, known);
      const allowed = wanted.filter(({ row }) => !refused.has(String(row.id)));
      await writer.insert(Customer, target.client, created);
      await writer.insert(CustomAttribute, target.client, allowed.flatMap(newAttributes));
      for (const { isNew, row, changes, attributes, storedAttributes: stored } of allowed) {
        const { id } = row;
        if (!isNew && Object.keys(changes).length > 0) await writer.update(Customer, target.client, { id }, changes);
        for (const [key, value] of Object.entries(attributes.changes)) {
          const attribute = { customerId: id, id: stored.get(key) };
          if (attribute.id === undefined) continue;
          if (value === null) await writer.remove(CustomAttribute, target.client, attribute);
          else await writer.update(CustomAttribute, target.client, attribute, { value });
        }
      }
      return refused;
    });
  }

  return { rowsEach: 1 + attributeKeys.length, take };
}

const isChanged = ({ isNew, changes, attributes }: PendingCustomer): boolean =>
  isNew || Object.keys(changes).length > 0 || Object.keys(attributes.changes).length > 0;

const externalIdOf = ({ values }: MappedRow): string => String(values.externalId);

function pendingOf(row: Row, isNew: boolean, attributes: readonly Row[] = []): PendingCustomer {
  return {
    row,
    isNew,
    changes: {},
    attributes: {
      row: Object.fromEntries(attributes.map(({ key, value }) => [String(key), value])),
      isNew,
      changes: {},
    },
    storedAttributes: new Map(attributes.map(({ key, id }) => [String(key), String(id)])),
  };
}

function apply(pending: PendingCustomer, values: Row): Outcome {
  const { fields, attributes } = partsOf(values, pending.row);
  const outcomes = [change(pending, fields), change(pending.attributes, attributes)];
  return outcomes.includes('updated') ? 'updated' : 'unchanged';
}

/** A row of the file as the customer's fields and attributes. */
function partsOf(values: Row, known: Row | undefined): { fields: Row; attributes: Row } {
  const fields: Row = {};
  const attributes: Row = {};
  let address: Row | undefined;
  for (const [field, value] of Object.entries(values)) {
    if (field.startsWith(ATTRIBUTE)) attributes[field.slice(ATTRIBUTE.length)] = value;
    else if (field.startsWith(POSTAL)) {
      // An address is one sealed value. Parts that the file does not have stay as they are.
      address ??= { ...(known?.postalAddress as Row | null | undefined) };
      address[field.slice(POSTAL.length)] = value;
    } else fields[field] = value;
  }
  if (address) fields.postalAddress = presentIn(address);
  return { fields, attributes };
}

function presentIn(address: Row): Row | null {
  const present: Row = {};
  let isEmpty = true;
  for (const [part, value] of Object.entries(address)) {
    if (value === null || value === undefined) continue;
    present[part] = value;
    isEmpty = false;
  }
  return isEmpty ? null : present;
}

function newAttributes({ row, attributes, storedAttributes }: PendingCustomer): Row[] {
  return Object.entries(attributes.changes)
    .filter(([key, value]) => !storedAttributes.has(key) && value !== null)
    .map(([key, value]) => ({ id: uuid(), customerId: row.id, key, value }));
}
