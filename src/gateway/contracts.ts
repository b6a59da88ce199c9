import { filterSchema, pruneSchema } from '@graphql-tools/utils';
import type { GraphQLSchema } from 'graphql';
import { withGovernanceDirectives } from '../governance/govern';
import type { Role, TokenClaims } from '../identity/caller';
import type { Contract } from './server-options';

export const contractNames = ['api', 'client-app', 'partner'] as const satisfies readonly Contract[];

interface Visible {
  readonly queries: readonly string[];
  readonly mutations: readonly string[];
  /** `Type.field` that the contract leaves out; whoever cannot see a field cannot filter by it. */
  readonly without: readonly string[];
}

/** What each audience sees of the API; the whole of it is for those who administer it. */
const contracts: Readonly<Record<Exclude<Contract, 'api'>, Visible>> = {
  'client-app': {
    queries: [
      'viewer',
      'client',
      'customer',
      'customerLookup',
      'customersByIdentifier',
      'customers',
      'subProcessors',
      'thirdPartyApplications',
      'installations',
      'explainAccess',
    ],
    mutations: [
      'createCustomer',
      'updateCustomer',
      'objectToProcessing',
      'withdrawObjection',
      'recordAutomatedDecision',
    ],
    without: [],
  },
  partner: {
    queries: [
      'viewer',
      'customer',
      'customerLookup',
      'customersByIdentifier',
      'customers',
      'subProcessors',
      'explainAccess',
    ],
    mutations: [],
    without: [
      'Customer.ipAddress',
      'Customer.gender',
      'Customer.healthRecords',
      'Customer.source',
      'CustomerFilter.source',
      'Customer.automatedDecisions',
      'Customer.lastAutomatedDecisionAt',
      'CustomerFilter.decidedAutomatically',
    ],
  },
};

/** The roles that see less than the whole API. Nobody sees what a client app sees: answers, but no data. */
const narrowed: Readonly<Partial<Record<Role, Contract>>> = {
  CLIENT_APP: 'client-app',
  PARTNER: 'partner',
  SUB_PROCESSOR: 'partner',
};

/** The contract that a caller is served by; of several roles, the narrowest third-party one wins. */
export function contractOf({ roles }: TokenClaims): Contract {
  if (roles.includes('PARTNER') || roles.includes('SUB_PROCESSOR')) return 'partner';
  return roles.some((role) => narrowed[role] === undefined) ? 'api' : 'client-app';
}

/** The part of the API that a contract shows; unreachable types go with it. */
export function contractSchema(api: GraphQLSchema, name: Contract): GraphQLSchema {
  if (name === 'api') return withGovernanceDirectives(api);
  const { queries, mutations, without } = contracts[name];
  const filtered = filterSchema({
    schema: api,
    rootFieldFilter: (operation, field) =>
      (operation === 'Query' ? queries : operation === 'Mutation' ? mutations : []).includes(field),
    inputObjectFieldFilter: (type, field) => !without.includes(`${type}.${field}`),
    objectFieldFilter: (type, field) => !without.includes(`${type}.${field}`),
  });
  return withGovernanceDirectives(pruneSchema(filtered));
}
