import { discoverKeys } from '../../identity/openid-discovery';
import { attention, type Check, fault, ok } from './finding';

/** Whether the issuer's keys can be had, as every token needs them. */
export const issuer: Check = {
  name: 'issuer',
  look: async ({ config: { oidcIssuer, production } }) => {
    if (oidcIssuer === undefined) return production ? [] : [ok('none is set; tokens come from `remit token`')];
    try {
      await discoverKeys(oidcIssuer);
      return [ok(`${oidcIssuer} publishes its keys`)];
    } catch (error) {
      const says = `${oidcIssuer}: ${(error as Error).message}`;
      const remedy = 'bring it back: servers that know its keys go on, and a new one admits nobody';
      return [production ? fault(says, remedy) : attention(says, remedy)];
    }
  },
};
