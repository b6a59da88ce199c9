import type { Country } from '../sourced';

/** The member states, without the three EEA states of EFTA. W3C DPV 2.3 loc.csv at f01a55c3. */
export const eu27: readonly Country[] =
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ');
export const eeaEfta: readonly Country[] = ['IS', 'LI', 'NO'];
/** Members of the EEA today. Whether one was a member at some moment, the territory of the regime says. */
export const eeaMembers: readonly Country[] = [...eu27, ...eeaEfta];
