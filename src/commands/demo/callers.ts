import type { ProcessingPurpose } from '../../governance/vocabulary';
import { type DevelopmentToken, signDevelopmentToken } from '../../identity/development-keys';
import { bookshop, clinic, instructedEngineer, otherEngineer, partnerApplication } from './sample-data';

/** Somebody who asks, and what for. */
export interface Caller {
  readonly title: string;
  /** What tells the caller from the others, in a few words. */
  readonly at: string;
  readonly purpose: ProcessingPurpose;
  readonly token: string;
}

const asking = (
  title: string,
  at: string,
  purpose: ProcessingPurpose,
  token: Pick<DevelopmentToken, 'subject' | 'tenant' | 'roles' | 'country'>,
) => ({ title, at, purpose, claims: { country: 'AT', ...token, purposes: [purpose] } });

const app = asking('Client app', clinic, 'SERVICE_DELIVERY', {
  subject: 'clinic.app',
  tenant: clinic,
  roles: ['CLIENT_APP'],
});
const agent = asking('Support agent', clinic, 'SUPPORT', {
  subject: 'clinic.agent',
  tenant: clinic,
  roles: ['CLIENT_AGENT'],
});
const shopAgent = asking('Support agent', bookshop, 'SUPPORT', {
  subject: 'shop.agent',
  tenant: bookshop,
  roles: ['CLIENT_AGENT'],
  country: 'GB',
});
const analyst = asking('Analyst', clinic, 'IMPROVEMENT', {
  subject: 'clinic.analyst',
  tenant: clinic,
  roles: ['CLIENT_AGENT'],
});
const partner = asking('Partner', partnerApplication, 'SERVICE_DELIVERY', {
  subject: partnerApplication,
  tenant: clinic,
  roles: ['PARTNER'],
});
const instructed = asking('Engineer', 'instructed', 'SECURITY', {
  subject: instructedEngineer,
  tenant: clinic,
  roles: ['PLATFORM_STAFF'],
});
const uninstructed = asking('Engineer', 'not instructed', 'SECURITY', {
  subject: otherEngineer,
  tenant: clinic,
  roles: ['PLATFORM_STAFF'],
});

const signed = (who: ReturnType<typeof asking>[]): Promise<Caller[]> =>
  Promise.all(who.map(async ({ claims, ...caller }) => ({ ...caller, token: await signDevelopmentToken(claims) })));

/** Those who ask for a customer, all at the clinic. @throws {ConfigurationError} where the key cannot be made */
export const callersOfTheClinic = (): Promise<Caller[]> =>
  signed([app, agent, analyst, partner, instructed, uninstructed]);

/** Those who ask for what is most sensitive, at both clients. @throws {ConfigurationError} */
export const callersForHealth = (): Promise<Caller[]> => signed([app, agent, shopAgent, analyst, partner, instructed]);
