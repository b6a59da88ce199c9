import { filterSchema, pruneSchema } from '@graphql-tools/utils';
import { type GraphQLSchema, getNamedType, isInputObjectType, isLeafType, isObjectType } from 'graphql';
import { withGovernanceDirectives } from '../governance/govern';
import type { Role, TokenClaims } from '../identity/caller';
import { contractFields, type ShownFields } from './contract-fields';
import type { Contract } from './server-options';

export const contractNames = ['api', 'client-app', 'partner'] as const satisfies readonly Contract[];

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

/**
 * The part of the API that a contract shows.
 * @throws {Error} where the contract names a field that the API does not have, or one whose own fields it does not name
 */
export function contractSchema(api: GraphQLSchema, name: Contract): GraphQLSchema {
  if (name === 'api') return withGovernanceDirectives(api);
  return withGovernanceDirectives(narrowedSchema(api, name, contractFields[name]));
}

/** A schema of the named fields alone. Scalars, enums and arguments come with the fields that use them. */
export function narrowedSchema(api: GraphQLSchema, name: string, lists: readonly ShownFields[]): GraphQLSchema {
  const shown = coordinatesIn(lists);
  const faults = faultsOf(api, shown);
  if (faults.length > 0) throw new Error(`the contract ${name}: ${faults.join('; ')}`);
  const isShown = (type: string, field: string) => shown.has(`${type}.${field}`);
  return pruneSchema(
    filterSchema({
      schema: api,
      rootFieldFilter: isShown,
      objectFieldFilter: isShown,
      interfaceFieldFilter: isShown,
      inputObjectFieldFilter: isShown,
    }),
  );
}

function coordinatesIn(lists: readonly ShownFields[]): ReadonlySet<string> {
  const named = lists.flatMap((list) => Object.entries(list));
  return new Set(
    named.flatMap(([type, fields]) =>
      fields
        .trim()
        .split(/\s+/)
        .map((field) => `${type}.${field}`),
    ),
  );
}

/** A contract that leads nowhere is a mistake of whoever wrote it: it is told, not shown as an empty type. */
function faultsOf(api: GraphQLSchema, shown: ReadonlySet<string>): string[] {
  const types = new Set([...shown].map((coordinate) => coordinate.split('.')[0]));
  return [...shown].flatMap((coordinate) => {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = api.getType(typeName);
    const field = isObjectType(type) || isInputObjectType(type) ? type.getFields()[fieldName] : undefined;
    if (!field) return [`there is no ${coordinate}`];
    const used = [field.type, ...('args' in field ? field.args.map((argument) => argument.type) : [])];
    return used
      .map((one) => getNamedType(one))
      .filter((named) => !isLeafType(named) && !types.has(named.name))
      .map((named) => `${coordinate} uses ${named.name}, of which no field is named`);
  });
}
