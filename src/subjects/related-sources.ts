import { type PageArguments, page, pageSize, positionOf } from '../api/paging';
import { type CellField, type RowCells, type RowGroup, type RowSource, UnlikeParents } from '../governance/govern';
import { cursorsOf } from '../identity/cursors';
import type { RequestContext } from '../identity/request-context';
import type { KeyStore } from '../keys/key-store';
import { columnsFor } from '../tenancy/stored-cells';
import type { Row } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import type { Records, Relation, Slice } from './records';
import { cursorKeysOf } from './related-page';

type Read = Parameters<RowSource['read']>[0];

const fieldsOf = ({ entity, type }: Relation): RowSource['fieldsFor'] => {
  return (decision) => {
    const columns = columnsFor(tableOf(entity), decision.readable(type));
    return (name) => columns.cell(name);
  };
};

/** What a list of related rows is written from. */
export const listSource = (records: Records, relation: Relation, limit: number): RowSource => ({
  as: 'list',
  fieldsFor: fieldsOf(relation),
  read: async (read) => {
    const found = await rowsOf(records, relation, read, { limit });
    return read.parents.map(({ mark }, index) => ({ rows: found?.groups[index] ?? [], markOf: () => mark }));
  },
});

/** What pages of related rows are written from, see relatedPage. */
export const pageSource = (records: Records, keys: KeyStore, relation: Relation): RowSource => ({
  as: 'connection',
  fieldsFor: fieldsOf(relation),
  read: async (read) => {
    const context = read.context as RequestContext;
    const { first, after } = read.args as PageArguments;
    const size = pageSize(first);
    const cursorKeys = await cursorKeysOf(keys, context);
    const sealOf = (index: number) =>
      cursorsOf(context, cursorKeys, relation.type, () => parentOf(relation, read, index));
    // A cursor is good below one parent alone.
    if (typeof after === 'string' && read.parents.length > 1) throw new UnlikeParents();
    const position = typeof after === 'string' ? positionOf(after, sealOf(0)) : undefined;
    const found = await rowsOf(records, relation, read, { limit: size + 1, after: position });
    const idOf = (row: RowCells) => found?.columns.value(row, 'id');
    return read.parents.map(({ mark }, index): RowGroup => {
      const given = page(found?.groups[index] ?? [], size, position, sealOf(index), idOf);
      return { rows: given.nodes, markOf: () => mark, page: given };
    });
  },
});

async function rowsOf(records: Records, relation: Relation, read: Read, slice: Slice) {
  const fields = tiesOf(relation, read).map(([, field]) => field);
  const ties = read.parents.map(({ cells }) => fields.map((field) => String(field.value(cells))));
  return records.each(read.context as RequestContext, relation, ties, slice);
}

/** The values of a parent that tie rows to it. */
const parentOf = (relation: Relation, read: Read, index: number): Row => {
  const cells = read.parents[index]?.cells ?? [];
  return Object.fromEntries(tiesOf(relation, read).map(([column, field]) => [column, field.value(cells)]));
};

function tiesOf(relation: Relation, { parentField }: Read): Array<[column: string, field: CellField]> {
  return Object.entries(relation.parent).map(([column, name]) => {
    const field = parentField(name);
    if (!field) throw new Error(`${relation.type} is tied to ${name}, which is not read`);
    return [column, field];
  });
}
