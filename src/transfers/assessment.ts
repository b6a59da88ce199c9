import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import type { RecipientReference } from '../identity/recipient';
import type { Law } from '../law/law';
import { type DataImporter, findByLaw, provisionOf, regimeOf, type Suspension } from '../law/transfer';
import { stateAt } from './approval-state';
import type { StoredApproval } from './approval-store';
import { courseOf } from './transfer-approvals';
import { bitsOf, hasBits, type Transfer, transferFor } from './transfer-table';

/** The transfer that is assessed. */
export interface TransferQuestion {
  /** The country whose law covers the people. */
  readonly from: string;
  readonly to: string;
  readonly reference: RecipientReference;
  readonly recipient: DataImporter;
  readonly categories: readonly DataCategory[];
  readonly purposes: readonly ProcessingPurpose[];
  readonly at: number;
}

export type TransferBasis = 'NO_TRANSFER' | 'UNRESTRICTED' | 'ADEQUACY' | 'APPROVAL';

/** Whether a transfer is lawful at a moment, on which basis, and what it lacks. */
export interface Assessment {
  readonly lawful: boolean;
  readonly basis: TransferBasis | null;
  readonly regime: string | null;
  /** The article that carries it, or the one that forbids it. */
  readonly article: string;
  readonly source: string | null;
  readonly dpv: string | null;
  readonly approvals: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Assesses a transfer at a moment, past or future: by the law of that moment and by the client's approvals in the state
 * that they have then.
 */
export function assess(
  law: Law,
  question: TransferQuestion,
  approvals: readonly StoredApproval[],
  suspensions: readonly Suspension[],
): Assessment {
  const { from, recipient, at, categories, purposes } = question;
  const found = findByLaw(law, from, recipient, at, suspensions);
  const nothing = { source: null, dpv: null, approvals: [], missing: [] };
  if (found.lawful) {
    const { basis, regime, rule: article } = found;
    if (basis !== 'ADEQUACY') return { ...nothing, lawful: true, basis, regime, article };
    const { source, dpv = null } = found.finding;
    return { ...nothing, lawful: true, basis, regime, article, source, dpv };
  }
  const active = activeFor(law, question, approvals, suspensions);
  const wanted = bitsOf(categories);
  const transfers = purposes.map((purpose) => ({
    purpose,
    transfer: transferFor({ law, recipient, purpose, approvals: active, suspensions }, from, at),
  }));
  const lacking = transfers.filter(({ transfer }) => !hasBits(transfer.categories, wanted));
  const carrying = new Set(transfers.flatMap(({ transfer }) => transfer.approvals));
  if (lacking.length > 0 || transfers.length === 0) {
    const missing = [
      found.missing,
      ...lacking.flatMap(({ purpose, transfer }) => uncovered(purpose, transfer, question)),
    ];
    const regime = found.regime ?? null;
    return { ...nothing, lawful: false, basis: null, regime, article: found.rule, approvals: [...carrying], missing };
  }
  const regime = regimeOf(law, from, at);
  const [first] = active.filter(({ id }) => carrying.has(id));
  const provision = regime && first && provisionOf(law, first.mechanism, regime.id, at, suspensions);
  return {
    lawful: true,
    basis: 'APPROVAL',
    regime: regime?.id ?? null,
    article: provision?.article ?? `${first?.mechanism ?? ''} approved for ${from}`,
    source: provision?.source ?? null,
    dpv: provision?.dpv ?? null,
    approvals: [...carrying],
    missing: [],
  };
}

/** A recipient's approvals that are in force at the moment. */
function activeFor(
  law: Law,
  { reference, at }: TransferQuestion,
  approvals: readonly StoredApproval[],
  suspensions: readonly Suspension[],
): StoredApproval[] {
  return approvals.filter(
    (one) =>
      one.recipientKind === reference.kind &&
      one.recipientId === reference.id &&
      stateAt(courseOf(law, one, suspensions), at) === 'ACTIVE',
  );
}

function uncovered(purpose: ProcessingPurpose, { categories, named }: Transfer, question: TransferQuestion): string[] {
  if (categories === 0) {
    const some = named.size > 0 ? '; those in force name single people' : '';
    return [`an approval in force for ${purpose}${some}`];
  }
  const rest = question.categories.filter((category) => !hasBits(categories, bitsOf([category])));
  return [`an approval for ${purpose} of ${rest.join(', ')}`];
}
