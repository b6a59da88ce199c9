import type { Notice, Notices } from '../register/notices';
import { failureOf } from '../storage/failures';
import { inSteps } from '../storage/write-outcome';
import type { LegalBasisSuspension } from './legal-basis-suspension';
import type { Impact, ImpactAnalysis } from './suspension-impact';
import type { Suspensions } from './suspensions';

/** Stops every transfer that rests on a legal basis, lists the clients concerned, and notifies them. */
export class KillSwitch {
  constructor(
    private readonly suspensions: Suspensions,
    private readonly impact: ImpactAnalysis,
    private readonly notices: Notices,
  ) {}

  /**
   * What a suspension would do, without doing it.
   * @throws {GraphQLError} BAD_USER_INPUT where there is no such basis
   */
  async preview(basis: string, from: number): Promise<Impact> {
    return this.impact.of(this.suspensions.requireBasis(basis), from);
  }

  /**
   * Suspends the basis, then notifies: no data flows while notices are sent. Call it again to send notices that failed.
   */
  async suspend(
    basis: string,
    from: number,
    reason: string,
    principal: string,
  ): Promise<{ suspension: LegalBasisSuspension; impact: Impact }> {
    const impact = await this.preview(basis, from);
    return inSteps(async () => {
      const suspension = await this.suspensions.suspend(basis, from, reason, principal);
      await this.#notify(suspension, impact);
      return { suspension, impact };
    });
  }

  /** Each client is notified in its own database; one that cannot be does not keep the others from it. */
  async #notify(suspension: LegalBasisSuspension, impact: Impact): Promise<void> {
    const failures: unknown[] = [];
    for (const client of impact.clients) {
      await this.notices.send(client.id, noticeOf(suspension, impact, client.id)).catch((error: unknown) => {
        // Where a database is away, all others would wait for it in turn.
        if (failureOf(error) !== undefined) throw error;
        failures.push(error);
      });
    }
    if (failures.length > 0) throw failures[0];
  }
}

function noticeOf({ id, basis, suspendedFrom, reason }: LegalBasisSuspension, impact: Impact, client: string): Notice {
  const operations = impact.operations.filter((one) => one.client.id === client);
  const transfers = impact.transfers.filter((one) => one.clientId === client);
  return {
    id,
    kind: 'LEGAL_BASIS_SUSPENDED',
    subject: `The legal basis ${basis} is suspended from ${new Date(suspendedFrom).toISOString()}`,
    message: [
      `Reason: ${reason}`,
      ...operations.map(
        ({ recipientName, destination, purposes, residencies }) =>
          `Stops: ${recipientName} in ${destination}, ${purposes.join(', ')}, people of ` +
          `${residencies.map((country) => country ?? 'no recorded country').join(', ')}`,
      ),
      ...transfers.map(({ id: approval, mechanism }) => `Rests on it: approval ${approval} (${mechanism})`),
    ].join('\n'),
  };
}
