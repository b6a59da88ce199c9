import type { GovernedResult } from '../../src/governance/govern';
import type { Asker, TestApp } from '../support/app';

/** The officers and callers of a client `acme`, and of the platform. */
export const askers = {
  agent: (country: string | null): Asker => ({ role: 'CLIENT_AGENT', client: 'acme', country }),
  admin: { role: 'CLIENT_ADMIN', client: 'acme', subject: 'admin@acme' },
  officer: { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme', subject: 'officer@acme' },
  platformOfficer: { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'dpo@platform' },
  staff: { role: 'PLATFORM_STAFF', client: 'acme', subject: 'ops@platform' },
} as const;

export const everyCategory = [
  'NAME',
  'CONTACT',
  'ONLINE_IDENTIFIER',
  'DEMOGRAPHIC',
  'COMMERCE',
  'CORRESPONDENCE',
  'HEALTH',
  'BEHAVIOUR',
] as const;

/** An input that fits: standard contractual clauses for the client's own people in the United States. */
export const sccToTheUs = {
  recipient: { kind: 'CLIENT' },
  destinationCountry: 'US',
  categories: everyCategory,
  purposes: ['SUPPORT'],
  mechanism: 'SCC',
  sccModule: 4,
  assessment: 'TIA-2026-07',
};

const approvalFields = 'id state articles namedSubjects history { action state principal reason at }';

export interface GivenApproval {
  readonly id: string;
  readonly state: string;
  readonly articles: readonly string[];
  readonly namedSubjects: number | null;
  readonly history: ReadonlyArray<{ action: string; state: string; principal: string | null; reason: string }>;
}

/** The first error of an answer, as its code and what it says. */
export function refusalOf({ errors }: GovernedResult): { code: unknown; fact: unknown; message: string } | undefined {
  const [first] = errors ?? [];
  if (!first) return undefined;
  return { code: first.extensions?.code, fact: first.extensions?.fact, message: first.message };
}

export async function request(app: TestApp, asker: Asker, input: object): Promise<GovernedResult> {
  return app.ask(
    asker,
    undefined,
    `mutation ($input: RequestTransferApprovalInput!) {
      requestTransferApproval(input: $input) { approval { ${approvalFields} } } }`,
    { input },
  );
}

type Decision = 'approveTransfer' | 'rejectTransfer' | 'suspendTransfer' | 'resumeTransfer' | 'revokeTransfer';

export async function decide(
  app: TestApp,
  asker: Asker,
  decision: Decision,
  id: string,
  reason = `${decision} in a test`,
): Promise<GovernedResult> {
  return app.ask(
    asker,
    undefined,
    `mutation ($input: DecideTransferInput!) { ${decision}(input: $input) { approval { ${approvalFields} } } }`,
    { input: { id, reason } },
  );
}

/** The approval that a mutation gave. @throws {Error} where it gave none */
export function approvalIn({ data, errors }: GovernedResult): GivenApproval {
  const [payload] = Object.values(data ?? {}) as Array<{ approval: GivenApproval } | null>;
  if (!payload) throw new Error(JSON.stringify(errors));
  return payload.approval;
}

/** Asks for an approval and has the client's officer give it. @returns its id */
export async function approve(app: TestApp, input: object): Promise<string> {
  const { id } = approvalIn(await request(app, askers.admin, input));
  approvalIn(await decide(app, askers.officer, 'approveTransfer', id));
  return id;
}

/** Countries of the people whose email a caller reads. */
export async function readable(app: TestApp, asker: Asker, purpose: 'SUPPORT' | 'SERVICE_DELIVERY' = 'SUPPORT') {
  const result = await app.ask(asker, purpose, '{ customers(first: 100) { nodes { email firstName } } }');
  if (!result.data) throw new Error(JSON.stringify(result.errors));
  const { customers } = result.data as { customers: { nodes: Array<{ email: string | null }> } };
  return [...new Set(customers.nodes.flatMap(({ email }) => email?.slice(0, email.indexOf('-')) ?? []))].sort();
}
