import type { DataCategory } from '../../governance/vocabulary';
import { DAY_MS } from '../../law/calendar';
import type { Services } from '../../services';
import type { RequestTransferApprovalInput } from '../../transfers/transfer-inputs';

/** A sub-processor in the United States: it reads under standard contractual clauses that were approved. */
export const subProcessor = 'mail-relay';

/** Persons whom something is under way about. */
export interface Concerned {
  /** A claim is pending; a hold keeps what was bought and written. */
  readonly held: string;
  /** Withdrew consent; the erasure begins in three days. */
  readonly leaving: string;
}

/** What an officer, an administrator and an auditor find to look at: transfers, a hold and an open erasure. */
export async function openMatters(services: Services, client: string, { held, leaving }: Concerned): Promise<void> {
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
  // Whoever asked for an approval does not decide on it: this one waits for the officer.
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
