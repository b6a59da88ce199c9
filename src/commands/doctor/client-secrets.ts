import { countDue } from '../../keys/rotation/client-secrets';
import { DAY_MS } from '../../law/calendar';
import { clientsWithDoubles, strayClients } from '../../subjects/stray-identifiers';
import { counted } from '../counted';
import { attention, type Check, fault, ok } from './finding';

/** Whether people are found by their identifiers while clients' secrets are replaced, and old secrets end. */
export const clientSecrets: Check = {
  name: 'identifiers',
  look: async ({ keysSources, regions }) => {
    const stray = await strayClients(regions, keysSources);
    const doubled = await clientsWithDoubles(regions, keysSources);
    let late = 0;
    for (const source of keysSources) late += await countDue(source, Date.now() - DAY_MS);
    const found = [
      ...(stray.length > 0
        ? [
            fault(
              `nobody finds the people of ${counted(stray.length, 'client')}: ` +
                'data or keys are from before a replacement',
              'run: remit migrate',
            ),
          ]
        : []),
      ...(doubled.length > 0
        ? [
            attention(
              `rows of ${counted(doubled.length, 'client')} are not found by an identifier that another row has too`,
              `give one of each two another identifier, then run: remit migrate; clients: ${doubled.slice(0, 5)}`,
            ),
          ]
        : []),
      ...(late > 0
        ? [
            attention(
              `${counted(late, 'secret')} should have been destroyed a day ago`,
              "does a server run? The log says `background work failed` for `clients' secrets`",
            ),
          ]
        : []),
    ];
    return found.length > 0 ? found : [ok('every row is found by the secrets that clients have')];
  },
};
