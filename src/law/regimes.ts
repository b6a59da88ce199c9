import type { Regime } from './regime';
import { eea } from './regimes/eea';
import { switzerland } from './regimes/switzerland';
import { unitedKingdom } from './regimes/united-kingdom';
import { unitedStates } from './regimes/united-states';

/** Data about people of a country in none of these is transferred by approval only. */
export const regimes: readonly Regime[] = [eea, unitedKingdom, switzerland, unitedStates];
