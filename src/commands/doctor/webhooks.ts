import { HOUR_MS } from '../../law/calendar';
import { counted } from '../counted';
import { countWebhooks } from './counts';
import { attention, type Check, orWell } from './finding';

/** Whether recipients are told of erasures, and clients of what concerns them. */
export const webhooks: Check = {
  name: 'webhooks',
  look: async ({ regions }) => {
    let [dead, late] = [0, 0];
    for (const source of regions.all()) {
      const found = await countWebhooks(source, Date.now() - HOUR_MS);
      dead += found.dead;
      late += found.late;
    }
    return orWell(
      [
        ...(dead > 0
          ? [
              attention(
                `${counted(dead, 'webhook')} given up: the recipient does not know`,
                'tell the recipient in another way, and ask it for a working endpoint (registerWebhook)',
              ),
            ]
          : []),
        ...(late > 0
          ? [attention(`${counted(late, 'webhook')} due for an hour and not sent`, 'does a server run?')]
          : []),
      ],
      'none is late or given up',
    );
  },
};
