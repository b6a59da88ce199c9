import { v7 as uuid } from 'uuid';
import { type AuditKind, auditKind, auditKinds } from '../../identity/audit-kinds';
import { type Change, type ChangeRecorder, noteRecorded } from '../../identity/change-recorder';
import { InvalidTokenError } from '../../identity/token-errors';
import type { TokenVerifier } from '../../identity/tokens';
import type { KeyDestruction } from '../../keys/key-store';
import type { Ledger } from '../log/ledger';
import type { References } from './references';

/**
 * Records changes to governance: grants, instructions, agreements, holds, erasures, imports, transfers, key events,
 * failed sign-ins. Modules take it as a {@link ChangeRecorder}:
 *
 *     await recorder.record('IMPORT', { client, principal, details: { table: 'customer', rows, rejected } });
 *
 * Call it before the change is made, outside any transaction, and await it. It resolves once the entry is durable and
 * throws AUDIT_UNAVAILABLE otherwise. `subject` is a data subject's id, given while the key exists; only a reference is
 * kept. `details` are facts about the change, never a person's data.
 */
export class LedgerChangeRecorder implements ChangeRecorder {
  readonly #ledger: Ledger;
  readonly #references: References;
  readonly #failures = new Map<string, number>();
  #isCounting = false;

  constructor(ledger: Ledger, references: References) {
    this.#ledger = ledger;
    this.#references = references;
  }

  /**
   * Records a key's destruction before it happens, while the subject's reference can still be computed. Where the entry
   * cannot be written, the key stays. Must not be called within a transaction, which the entry would wait for.
   * @throws {GraphQLError} AUDIT_UNAVAILABLE
   */
  async keyDestroyed({ client, subject }: KeyDestruction): Promise<void> {
    const kind = subject === undefined ? 'CLIENT_KEY_DESTROYED' : 'SUBJECT_KEY_DESTROYED';
    await this.record(kind, { client, principal: 'keys', subject });
  }

  async record(kind: AuditKind, change: Change): Promise<string> {
    requireKind(kind, change);
    const { client, principal, subject, references = [], purpose, details = {}, decides = [] } = change;
    const who = await this.#references.principal(client, principal);
    const subjects =
      client === undefined || subject === undefined ? [] : await this.#references.subjects(client, new Set([subject]));
    // Ids order the decisions about a row, whichever process made them.
    const at = await this.#ledger.moment();
    const id = uuid({ msecs: at });
    await this.#ledger.append(client, id, {
      decides: decides.length === 0 ? undefined : await this.#references.decisions(client, decides),
      details,
      kind,
      principal: who.reference,
      principalName: who.sealed,
      purpose: purpose ?? null,
      subjects: [...references, ...subjects].sort(),
      time: new Date(at).toISOString(),
      version: 1,
    });
    noteRecorded(kind);
    return id;
  }

  /**
   * Counts a failed sign-in. The first after a quiet minute is written at once, the rest with {@link writeFailures}.
   */
  signInFailed(reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    if (this.#isCounting) return;
    this.#isCounting = true;
    void this.writeFailures();
  }

  /** Writes what was counted; once a minute, so that nobody fills the disk by failing. */
  async writeFailures(): Promise<void> {
    const counted = [...this.#failures];
    this.#failures.clear();
    if (counted.length === 0) {
      this.#isCounting = false;
      return;
    }
    const details = Object.fromEntries(counted);
    // Counts that could not be written are added to the next minute's.
    await this.record('SIGN_IN_FAILED', { principal: 'nobody', details }).catch(() => {
      for (const [reason, count] of counted) this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + count);
    });
  }

  close(): Promise<void> {
    return this.writeFailures();
  }
}

/** A token verifier whose refusals are counted in the ledger (statement G3). */
export function watchedVerifier(
  verifier: TokenVerifier,
  recorder: Pick<LedgerChangeRecorder, 'signInFailed'>,
): TokenVerifier {
  return {
    verified: (bearer) => verifier.verified?.(bearer),
    async verify(bearer) {
      try {
        return await verifier.verify(bearer);
      } catch (error) {
        // The message is one of the verifier's fixed sentences, with configured claim names at most: nothing of the
        // token.
        if (error instanceof InvalidTokenError) recorder.signInFailed(error.message);
        throw error;
      }
    },
  };
}

/** @throws {TypeError} for a kind that the catalogue lacks, and where an entry for the platform alone names a client */
function requireKind(kind: AuditKind, { client }: Change): void {
  if (!Object.hasOwn(auditKinds, kind)) throw new TypeError(`${kind} is no kind of entry: add it to audit-kinds.ts`);
  if (client !== undefined && auditKind(kind).seenBy === 'PLATFORM')
    throw new TypeError(`${kind} is for the platform alone, so its entry names no client`);
}
