import type { ProcessingPurpose } from '../../governance/vocabulary';
import { type DevelopmentToken, signDevelopmentToken } from '../../identity/development-keys';
import { customerComparison } from './comparisons';
import { subProcessor } from './open-cases';
import { auditorsQuery, erasuresQuery, officersQuery, platformQuery, subProcessorsQuery } from './queries';
import { bookshop, clinic, instructedEngineer, otherEngineer, partnerApplication } from './sample-data';

/** A caller of the demo. */
export interface DemoCaller {
  /** The caller's name in a link. */
  readonly name: string;
  readonly title: string;
  /** What distinguishes the caller, in a few words. */
  readonly at: string;
  readonly purpose: ProcessingPurpose;
  /** The query that the playground shows first. */
  readonly query: string;
  readonly claims: DevelopmentToken;
}

/** A caller with a token. */
export interface Caller extends Pick<DemoCaller, 'title' | 'at' | 'purpose'> {
  readonly token: string;
}

const asking = (
  name: string,
  title: string,
  at: string,
  purpose: ProcessingPurpose,
  token: Pick<DevelopmentToken, 'subject' | 'tenant' | 'roles' | 'country'>,
  query = customerComparison.query,
): DemoCaller => ({ name, title, at, purpose, query, claims: { country: 'AT', ...token, purposes: [purpose] } });

const app = asking('app', 'Client app', clinic, 'SERVICE_DELIVERY', {
  subject: 'clinic.app',
  tenant: clinic,
  roles: ['CLIENT_APP'],
});
const agent = asking('agent', 'Support agent', clinic, 'SUPPORT', {
  subject: 'clinic.agent',
  tenant: clinic,
  roles: ['CLIENT_AGENT'],
});
const shopAgent = asking('shop-agent', 'Support agent', bookshop, 'SUPPORT', {
  subject: 'shop.agent',
  tenant: bookshop,
  roles: ['CLIENT_AGENT'],
  country: 'GB',
});
const analyst = asking('analyst', 'Analyst', clinic, 'IMPROVEMENT', {
  subject: 'clinic.analyst',
  tenant: clinic,
  roles: ['CLIENT_AGENT'],
});
const partner = asking('partner', 'Partner', partnerApplication, 'SERVICE_DELIVERY', {
  subject: partnerApplication,
  tenant: clinic,
  roles: ['PARTNER'],
});
const instructed = asking('engineer', 'Engineer', 'instructed', 'SECURITY', {
  subject: instructedEngineer,
  tenant: clinic,
  roles: ['PLATFORM_STAFF'],
});
const uninstructed = asking('other-engineer', 'Engineer', 'not instructed', 'SECURITY', {
  subject: otherEngineer,
  tenant: clinic,
  roles: ['PLATFORM_STAFF'],
});
const relay = asking(
  'sub-processor',
  'Sub-processor',
  subProcessor,
  'SUPPORT',
  { subject: subProcessor, tenant: clinic, roles: ['SUB_PROCESSOR'] },
  subProcessorsQuery,
);
const officer = asking(
  'officer',
  'Privacy officer',
  clinic,
  'LEGAL',
  { subject: 'clinic.officer', tenant: clinic, roles: ['CLIENT_PRIVACY_OFFICER'] },
  officersQuery,
);
const administrator = asking(
  'admin',
  'Administrator',
  clinic,
  'LEGAL',
  { subject: 'clinic.admin', tenant: clinic, roles: ['CLIENT_ADMIN'] },
  erasuresQuery,
);
const platformOfficer = asking(
  'platform-officer',
  'Privacy officer',
  'the platform',
  'LEGAL',
  { subject: 'demo.officer', roles: ['PLATFORM_PRIVACY_OFFICER'] },
  platformQuery,
);
const auditor = asking(
  'auditor',
  'Auditor',
  'independent',
  'LEGAL',
  { subject: 'demo.auditor', roles: ['AUDITOR'] },
  auditorsQuery,
);

/** All callers with a link. */
export const allCallers: readonly DemoCaller[] = [
  app,
  agent,
  analyst,
  partner,
  relay,
  instructed,
  uninstructed,
  officer,
  administrator,
  platformOfficer,
  auditor,
  shopAgent,
];

const signed = (who: readonly DemoCaller[]): Promise<Caller[]> =>
  Promise.all(
    who.map(async ({ title, at, purpose, claims }) => {
      return { title, at, purpose, token: await signDevelopmentToken(claims) };
    }),
  );

/** The callers who read a customer of the clinic. @throws {ConfigurationError} when the key cannot be written */
export const callersOfTheClinic = (): Promise<Caller[]> =>
  signed([app, agent, analyst, partner, instructed, uninstructed]);

/** The callers who read health data, at both clients. @throws {ConfigurationError} when the key cannot be written */
export const callersForHealth = (): Promise<Caller[]> => signed([app, agent, shopAgent, analyst, partner, instructed]);

/** The command that prints a token for the caller. */
export function tokenCommandFor({ claims }: DemoCaller): string {
  const { subject, tenant, roles, purposes = [], country } = claims;
  const words = [
    ...roles.map((role) => `--role ${role}`),
    ...(tenant === undefined ? [] : [`--client ${tenant}`]),
    ...purposes.map((purpose) => `--purpose ${purpose}`),
    ...(country === undefined ? [] : [`--country ${country}`]),
    `--sub ${subject}`,
  ];
  return `npm run --silent remit -- token ${words.join(' ')}`;
}
