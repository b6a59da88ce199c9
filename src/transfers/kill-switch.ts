import type { Notices } from '../register/notices';
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
    const suspension = await this.suspensions.suspend(basis, from, reason, principal);
    for (const client of impact.clients) {
      const operations = impact.operations.filter((one) => one.client.id === client.id);
      const transfers = impact.transfers.filter((one) => one.clientId === client.id);
      await this.notices.send(client.id, {
        id: suspension.id,
        kind: 'LEGAL_BASIS_SUSPENDED',
        subject: `The legal basis ${basis} is suspended from ${new Date(suspension.suspendedFrom).toISOString()}`,
        message: [
          `Reason: ${suspension.reason}`,
          ...operations.map(
            ({ recipientName, destination, purposes, residencies }) =>
              `Stops: ${recipientName} in ${destination}, ${purposes.join(', ')}, people of ` +
              `${residencies.map((country) => country ?? 'no recorded country').join(', ')}`,
          ),
          ...transfers.map(({ id, mechanism }) => `Rests on it: approval ${id} (${mechanism})`),
        ].join('\n'),
      });
    }
    return { suspension, impact };
  }
}
