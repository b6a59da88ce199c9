import type { ErasureParts } from './parts';
import type { ErasureState } from './requests';

/** What the saga does, as the audit ledger keeps it: what was asked for is recorded where it is asked. */
export type ErasureAct = 'ERASURE_EXECUTED' | 'ERASURE_PARTLY' | 'ERASURE_FAILED' | 'CLIENT_ERASURE_BEGUN';

/**
 * Records what an erasure has done. A person's reference can be made while the key lives and never again, so the end of
 * a whole person is recorded right before the key goes. Run again after a crash it may be recorded once more.
 * @throws {GraphQLError} AUDIT_UNAVAILABLE: the erasure goes on when it can be recorded
 */
export async function recordAct(
  { recorder }: ErasureParts,
  kind: ErasureAct,
  state: ErasureState,
  details: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  await recorder.record(kind, {
    client: state.client,
    principal: 'erasure',
    subject: state.customerId ?? undefined,
    details: { request: state.id, kind: state.kind, ...details },
  });
}
