import type { ChangeRecorder } from '../../identity/change-recorder';
import type { ErasureRequestState } from '../requests/request-state';

/**
 * What carrying an erasure out does, as the audit ledger keeps it. What was asked for is recorded where it is asked.
 */
export type ErasureAct = 'ERASURE_EXECUTED' | 'ERASURE_PARTLY' | 'ERASURE_FAILED' | 'CLIENT_ERASURE_BEGUN';

/**
 * Records what an erasure has done. A person's reference can be made while the key lives and never again, so the end of
 * a whole person is recorded right before the key goes. Run again after a crash it may be recorded once more.
 * @throws {GraphQLError} AUDIT_UNAVAILABLE: the erasure goes on when it can be recorded
 */
export async function recordAct(
  recorder: ChangeRecorder,
  kind: ErasureAct,
  request: ErasureRequestState,
  details: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  await recorder.record(kind, {
    client: request.client,
    principal: 'erasure',
    subject: request.customerId ?? undefined,
    details: { request: request.id, kind: request.kind, ...details },
  });
}
