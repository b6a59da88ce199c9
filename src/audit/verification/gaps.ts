import type { DataSource } from 'typeorm';
import type { AuditEntry } from '../log/entry';
import { entryOf } from '../log/entry';

/** An operator acknowledges that the end of a log is lost, as after a restore. The entry says who and why. */
export const GAP_ACKNOWLEDGED = 'LOG_GAP_ACKNOWLEDGED';

/** A part at the end of a log that somebody saw and that is missing now. */
export interface Gap {
  readonly log: string;
  /** Entries that are present. */
  readonly size: number;
  /** Their root, in base64; empty where the whole log is missing. */
  readonly root: string;
  /** Entries that were seen. */
  readonly seen: number;
}

/** Whether the gap was acknowledged: the log is as it was then, and nobody has seen more of it since. */
export const isAcknowledged = (gap: Gap, acknowledged: readonly Gap[]): boolean =>
  acknowledged.some(
    ({ log, size, root, seen }) => log === gap.log && size === gap.size && root === gap.root && seen >= gap.seen,
  );

/** The gap that an entry acknowledges. */
export function gapIn({ kind, details }: AuditEntry): Gap | undefined {
  if (kind !== GAP_ACKNOWLEDGED || !details) return undefined;
  const { log, size, root, seen } = details;
  return { log: String(log), size: Number(size), root: String(root), seen: Number(seen) };
}

/** The acknowledged gaps according to the ledger, which is not verified here. */
export async function acknowledgedGaps(sources: readonly DataSource[]): Promise<Gap[]> {
  const gaps: Gap[] = [];
  for (const source of sources) {
    const rows = await source.query<Array<{ body: Buffer }>>('SELECT body FROM audit_entry WHERE INSTR(body, ?) > 0', [
      Buffer.from(`"kind":"${GAP_ACKNOWLEDGED}"`),
    ]);
    gaps.push(...rows.flatMap(({ body }) => gapIn(entryOf(body)) ?? []));
  }
  return gaps;
}
