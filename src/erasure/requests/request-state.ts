import type { DataSource, EntityManager } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { listIn } from '../../storage/lists';
import { joined, name, own, type Sql, sql, tenantSql } from '../../tenancy/tenant-sql';
import type { ErasureGrounds, ErasureKind, ErasureStatus } from './erasure-request';

/** A request as the runner reads it: plain columns only, so that no key is needed. */
export interface ErasureRequestState {
  readonly client: string;
  readonly id: string;
  readonly kind: ErasureKind;
  readonly customerId: string | null;
  readonly grounds: ErasureGrounds;
  readonly categories: readonly DataCategory[] | null;
  readonly status: ErasureStatus;
  readonly requestedBy: string;
  readonly requestedRole: string;
  readonly requestedAt: number;
  readonly notBefore: number | null;
  readonly dueAt: number;
  readonly completedAt: number | null;
  readonly keyEpoch: number | null;
  readonly keyDeletedAt: number | null;
  readonly finalAt: number | null;
  readonly pass: number;
  readonly replayedAt: number | null;
  readonly agreementReference: string | null;
  readonly claimsReason: string | null;
  readonly claimsUntil: number | null;
  readonly endedBy: string | null;
}

const columns = (
  'client_id id kind customer_id grounds categories status requested_by requested_role requested_at ' +
  'not_before due_at completed_at key_epoch key_deleted_at final_at pass replayed_at agreement_reference ' +
  'claims_reason claims_until ended_by'
).split(' ');

export const stateColumns = joined(columns.map(name), ', ');

/** The same of a table with an alias. */
export const stateColumnsOf = (alias: string): Sql =>
  joined(
    columns.map((column) => sql`${name(alias)}.${name(column)}`),
    ', ',
  );

export type StateRow = Record<string, string | number | null>;

export function stateOf(row: StateRow): ErasureRequestState {
  const number = (name: string) => (row[name] === null || row[name] === undefined ? null : Number(row[name]));
  const word = (name: string) => (row[name] === null || row[name] === undefined ? null : String(row[name]));
  return {
    client: String(row.client_id),
    id: String(row.id),
    kind: String(row.kind) as ErasureKind,
    customerId: word('customer_id'),
    grounds: String(row.grounds) as ErasureGrounds,
    categories: listIn<DataCategory>(row.categories),
    status: String(row.status) as ErasureStatus,
    requestedBy: String(row.requested_by),
    requestedRole: String(row.requested_role),
    requestedAt: Number(row.requested_at),
    notBefore: number('not_before'),
    dueAt: Number(row.due_at),
    completedAt: number('completed_at'),
    keyEpoch: number('key_epoch'),
    keyDeletedAt: number('key_deleted_at'),
    finalAt: number('final_at'),
    pass: Number(row.pass ?? 0),
    replayedAt: number('replayed_at'),
    agreementReference: word('agreement_reference'),
    claimsReason: word('claims_reason'),
    claimsUntil: number('claims_until'),
    endedBy: word('ended_by'),
  };
}

export async function readRequest(
  manager: DataSource | EntityManager,
  client: string,
  id: string,
): Promise<ErasureRequestState | undefined> {
  const [row] = await tenantSql(manager, client)
    .select<StateRow>`SELECT ${stateColumns} FROM erasure_request WHERE ${own} AND id = ${id}`;
  return row && stateOf(row);
}

/** Whether the request has ended. */
export const isFinal = (status: ErasureStatus): boolean => status === 'COMPLETED' || status === 'CANCELLED';
