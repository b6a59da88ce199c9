import { HOUR_MS } from '../../law/calendar';
import { countDeadNotices } from '../../register/webhooks/undelivered';
import { counted } from '../counted';
import { countLateWebhooks } from './counts';
import { attention, type Check, orWell } from './finding';

/** Whether recipients are told of erasures, and clients of what concerns them. */
export const webhooks: Check = {
  name: 'webhooks',
  look: async ({ regions }) => {
    const dead = await countDeadNotices(regions);
    let late = 0;
    for (const source of regions.all()) late += await countLateWebhooks(source, Date.now() - HOUR_MS);
    return orWell(
      [
        ...(dead > 0
          ? [
              attention(
                `${counted(dead, 'webhook')} given up: the recipient does not know`,
                'remit webhooks list names them; mend the endpoint (registerWebhook), then: remit webhooks revive',
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
