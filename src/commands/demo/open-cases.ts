import type { DataCategory } from '../../governance/vocabulary';
import { DAY_MS } from '../../law/calendar';
import type { Services } from '../../services';
import type { RequestTransferApprovalInput } from '../../transfers/transfer-inputs';

/** A sub-processor in the United States. It reads under approved standard contractual clauses. */
export const subProcessor = 'mail-relay';

/** People with an open case. */
export interface PeopleOfCases {
  /** Has a pending claim: a hold keeps purchases and messages. */
  readonly held: string;
  /** Withdrew consent. The erasure begins in three days. */
  readonly leaving: string;
}

/** Cases for officers, administrators and auditors to look at: transfers, a hold and an open erasure. */
export async function openCases(services: Services, client: string, { held, leaving }: PeopleOfCases): Promise<void> {
  const officer = { principal: 'clinic.officer', side: 'CLIENT' } as const;
  const counsel = { principal: 'clinic.counsel', side: 'CLIENT' } as const;
  const { approvals } = services.transfers;
  await services.parties.registerSubProcessor(
    {
      slug: subProcessor,
      name: 'Mail Relay',
      service: 'sends the messages of client users',
      country: 'US',
      purposes: ['SUPPORT'],
      categories: ['NAME', 'CONTACT', 'ONLINE_IDENTIFIER', 'CORRESPONDENCE'],
    },
    'demo.platform',
  );
  const given = await approvals.request(
    client,
    clauses(['NAME', 'CONTACT', 'ONLINE_IDENTIFIER', 'CORRESPONDENCE']),
    officer,
  );
  await approvals.decide(client, given.id, 'APPROVED', 'the assessment holds', counsel);
  // Nobody decides on an approval they asked for: this one waits for the officer.
  await approvals.request(client, clauses(['COMMERCE']), counsel);
  await services.erasure.holds.place(
    { client, principal: 'clinic.officer' },
    {
      customerId: held,
      categories: ['COMMERCE', 'CORRESPONDENCE'],
      matter: '2026-C-118',
      reason: 'a claim is pending',
    },
  );
  await services.erasure.erasures.request(client, leaving, {
    principal: 'clinic.admin',
    role: 'CLIENT_ADMIN',
    grounds: 'CONSENT_WITHDRAWN',
    note: 'asked by letter',
    notBefore: Date.now() + 3 * DAY_MS,
  });
}

/** Standard contractual clauses from one processor to another. */
const clauses = (categories: DataCategory[]): RequestTransferApprovalInput => ({
  recipient: { kind: 'SUB_PROCESSOR', id: subProcessor },
  destinationCountry: 'US',
  categories,
  purposes: ['SUPPORT'],
  mechanism: 'SCC',
  sccModule: 3,
  assessment: 'kept with the contract, reviewed in January',
  safeguards: ['messages are sealed on the way'],
});
