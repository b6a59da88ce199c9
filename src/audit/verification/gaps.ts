import type { DataSource } from 'typeorm';
import type { AuditEntry } from '../log/entry';
import { entryOf } from '../log/entry';

/** An operator accepts that the end of a log is lost, as after a restore: by whom and why is in the entry. */
export const GAP_ACKNOWLEDGED = 'LOG_GAP_ACKNOWLEDGED';

/** The end of a log that somebody saw and that is not there any more. */
export interface Gap {
  readonly log: string;
  /** Entries that are there. */
  readonly size: number;
  /** Their root, in base64; empty where the whole log is missing. */
  readonly root: string;
  /** Entries that somebody saw. */
  readonly seen: number;
}

/** Whether one was accepted: the log is as it was then, and nobody has seen more of it since. */
export const isAcknowledged = (gap: Gap, acknowledged: readonly Gap[]): boolean =>
  acknowledged.some(
    ({ log, size, root, seen }) => log === gap.log && size === gap.size && root === gap.root && seen >= gap.seen,
  );

/** The gap that an entry accepts. */
export function gapIn({ kind, details }: AuditEntry): Gap | undefined {
  if (kind !== GAP_ACKNOWLEDGED || !details) return undefined;
  const { log, size, root, seen } = details;
  return { log: String(log), size: Number(size), root: String(root), seen: Number(seen) };
}

/** The gaps that were accepted, as the ledger says; it is not verified here. */
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
