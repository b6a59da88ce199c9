import { setTimeout as sleep } from 'node:timers/promises';
import { FailureLog } from '../../src/gateway/failure-log';
import { createLogger } from '../../src/gateway/logging';

const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

test('a database that is away is told of at once, then by numbers, and its next absence at once again', async () => {
  const lines: object[] = [];
  const destination = {
    write: (line: string) => {
      const { msg, failure, reqId, times } = JSON.parse(line) as Record<string, unknown>;
      lines.push({ msg, failure, reqId, times });
    },
  };
  const log = new FailureLog(createLogger({ level: 'error', destination }), 30);
  for (let n = 0; n < 50; n++) log.write(refused(), 'a resolver failed', { reqId: n });
  log.write(refused(), 'the audit ledger failed');
  log.write(new Error('a mistake'), 'a resolver failed');
  log.write(new Error('a mistake'), 'a resolver failed');
  const atOnce = [
    { msg: 'a resolver failed', failure: 'UNAVAILABLE', reqId: 0 },
    { msg: 'the audit ledger failed', failure: 'UNAVAILABLE' },
    { msg: 'a resolver failed' },
    { msg: 'a resolver failed' },
  ];
  expect(lines).toEqual(atOnce);
  await sleep(200);
  expect(lines.slice(4)).toEqual([{ msg: 'a resolver failed', failure: 'UNAVAILABLE', times: 49 }]);
  log.write(refused(), 'a resolver failed');
  expect(lines.slice(5)).toEqual([{ msg: 'a resolver failed', failure: 'UNAVAILABLE' }]);
});
