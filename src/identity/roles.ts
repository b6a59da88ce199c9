import type { Role } from './caller';

/*
 * Sets of roles, for requireRole. A refusal names them in this order.
 */

/** The client's own people and apps: they serve its customers, and it may grant purposes to them. */
export const clientRoles = ['CLIENT_APP', 'CLIENT_AGENT', 'CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER'] as const;

/** Those who administer a client. */
export const administration = ['CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER'] as const satisfies readonly Role[];

/** Those who work for the platform. */
export const platform = ['PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER'] as const satisfies readonly Role[];

/** Those who decide for the platform. */
export const platformOfficers = ['PLATFORM_PRIVACY_OFFICER'] as const satisfies readonly Role[];

/** Those who decide for the client or the platform, each for its own side. */
export const privacyOfficers = [
  'CLIENT_PRIVACY_OFFICER',
  'PLATFORM_PRIVACY_OFFICER',
] as const satisfies readonly Role[];

/** Those who follow what is done, without an act of their own. */
export const overseers = [...administration, ...platform, 'AUDITOR'] as const satisfies readonly Role[];
