import { enumOf } from '../../api/enum-of';
import type { GovernedCoordinate } from '../../governance/govern';
import { denied } from '../../identity/request-context';
import { DAY_MS } from '../../law/calendar';
import type { Clients } from '../../register/clients';
import type { RegisterPolicySource } from '../../register/policy-source';
import type { ThirdParties } from '../../register/third-parties';
import type { AuditReader } from '../entries/reader';
import { observe } from './observed';
import { PartyNames } from './party-names';
import { type DeclaredTransfer, type Processor, processingRecord, type Security } from './processing-record';
import type { Report } from './report';
import { accountingReport, recipientsReport } from './subject-reports';

export const ReportKind = enumOf('AuditReportKind', 'What is reported out of the audit ledger.', {
  PROCESSING_RECORD: "The processor's record of processing, GDPR Art. 30(2).",
  ACCOUNTING_OF_DISCLOSURES: "Disclosures of a person's health information, 45 CFR 164.528.",
  RECIPIENTS: "Who got a person's data, GDPR Art. 15(1)(c), Art. 19.",
});
export type ReportKind = keyof typeof ReportKind;

export interface ReportRequest {
  readonly kind: ReportKind;
  /** The client's id. */
  readonly client: string;
  /** The data subject, for reports about a person. */
  readonly customerId?: string | null | undefined;
  /** The observed period. Default: the last 30 days. */
  readonly from?: Date | null | undefined;
  readonly to?: Date | null | undefined;
}

const OBSERVED_MS = 30 * DAY_MS;

/** Reports from the ledger, the register, the schema and the approvals of transfers. */
export class Reports {
  constructor(
    private readonly parts: {
      readonly reader: AuditReader;
      readonly clients: Clients;
      readonly parties: ThirdParties;
      readonly policies: Pick<RegisterPolicySource, 'policy'>;
      readonly transfersOf: (client: string) => Promise<DeclaredTransfer[]>;
      readonly processor: Processor;
      readonly securityOf: (client: string) => Promise<Security>;
    },
  ) {}

  /**
   * @param coordinates the schema's governed coordinates, with their categories
   * @throws {GraphQLError} BAD_USER_INPUT where a report about a person names none, or a period is empty
   */
  async make(request: ReportRequest, coordinates: readonly GovernedCoordinate[], now = new Date()): Promise<Report> {
    const { kind, client } = request;
    if (kind === ReportKind.PROCESSING_RECORD) return this.#processing(request, coordinates, now);
    const subject = request.customerId;
    if (!subject) throw denied.input('"customerId" must say whom the report is about.');
    const make = kind === ReportKind.RECIPIENTS ? recipientsReport : accountingReport;
    const { reader, clients, parties, securityOf } = this.parts;
    const known = await clients.find(client);
    if (!known) throw denied.notFound('client');
    const names = await PartyNames.from(parties);
    const { ledger } = await securityOf(client);
    return make(reader, coordinates, { client: known, subject, names, ledger }, now);
  }

  async #processing(request: ReportRequest, coordinates: readonly GovernedCoordinate[], now: Date): Promise<Report> {
    const { reader, clients, parties, policies, transfersOf, processor, securityOf } = this.parts;
    const to = request.to ?? now;
    const from = request.from ?? new Date(to.getTime() - OBSERVED_MS);
    if (from >= to) throw denied.input('"from" must be before "to".');
    const client = await clients.find(request.client);
    if (!client) throw denied.notFound('client');
    const installations = await parties.installations(client.id);
    const declared = {
      processor,
      client,
      agreements: await clients.agreements(client.id),
      subProcessors: await parties.subProcessors(),
      applications: installations.map(({ application: { name, slug } }) => `${name} (${slug})`),
      permissions: (await policies.policy(client.id)).permissions,
      transfers: await transfersOf(client.id),
      coordinates,
    };
    const names = await PartyNames.from(parties);
    const observed = await observe(reader, client.id, coordinates, names, { from, to });
    return processingRecord(declared, observed, await securityOf(client.id), { from, to, now });
  }
}
