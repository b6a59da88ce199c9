import type { ChangeRecorder } from '../../identity/change-recorder';
import type { ErasureRequestState } from '../requests/request-state';

/** Kinds of audit entries that the execution of erasures makes. The request has an entry of its own. */
export type ErasureAct = 'ERASURE_EXECUTED' | 'ERASURE_PARTLY' | 'ERASURE_FAILED' | 'CLIENT_ERASURE_BEGUN';

/**
 * Records what an erasure has done. A person's reference can be computed only while the key exists, so the erasure of a
 * whole person is recorded right before the key is destroyed. After a crash it can be recorded a second time.
 * @throws {GraphQLError} AUDIT_UNAVAILABLE: the erasure continues once entries can be recorded
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
