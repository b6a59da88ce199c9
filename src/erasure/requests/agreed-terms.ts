import type { DataSource } from 'typeorm';
import { covers, validUntil } from '../../law/validity';
import { own, tenantSql } from '../../tenancy/tenant-sql';

export interface AgreedTerms {
  /** Erasure terms of the agreements in force, in days. */
  readonly erasureDays: readonly number[];
  /** Whether de-identified amounts may stay (statement D4). Only an agreement can permit it. */
  readonly keepsDeidentified: boolean;
}

/** What the client's agreements in force say about erasure. @param at milliseconds since 1970 */
export async function agreedTerms(source: DataSource, client: string, at: number): Promise<AgreedTerms> {
  const rows = await tenantSql(source, client).select<{
    effective_from: number;
    effective_to: number | null;
    erasure_days: number | null;
    keeps_deidentified: number | null;
  }>`SELECT effective_from, effective_to, erasure_days, keeps_deidentified FROM agreement WHERE ${own}`;
  const inForce = rows.filter(({ effective_from, effective_to }) =>
    covers(validUntil(Number(effective_from), effective_to === null ? null : Number(effective_to)), at),
  );
  return {
    erasureDays: inForce.flatMap(({ erasure_days }) => (erasure_days === null ? [] : [Number(erasure_days)])),
    keepsDeidentified: inForce.some(({ keeps_deidentified }) => Number(keeps_deidentified) === 1),
  };
}
