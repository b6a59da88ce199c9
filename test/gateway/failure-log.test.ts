import { setTimeout as sleep } from 'node:timers/promises';
import { FailureLog } from '../../src/gateway/failure-log';

const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

test('a database that is away is told of at once, then by numbers, and its next absence at once again', async () => {
  const lines: object[] = [];
  const log = new FailureLog({ error: (line: object, message: string) => void lines.push({ ...line, message }) }, 30);
  for (let n = 0; n < 50; n++) log.write(refused(), 'a resolver failed', { reqId: n });
  log.write(refused(), 'the audit ledger failed');
  log.write(new Error('a mistake'), 'a resolver failed');
  log.write(new Error('a mistake'), 'a resolver failed');
  const err = expect.any(Error);
  const atOnce = [
    { message: 'a resolver failed', failure: 'UNAVAILABLE', reqId: 0, err },
    { message: 'the audit ledger failed', failure: 'UNAVAILABLE', err },
    { message: 'a resolver failed', err },
    { message: 'a resolver failed', err },
  ];
  expect(lines).toEqual(atOnce);
  await sleep(200);
  expect(lines.slice(4)).toEqual([{ message: 'a resolver failed', failure: 'UNAVAILABLE', times: 49, err }]);
  log.write(refused(), 'a resolver failed');
  expect(lines.slice(5)).toEqual([{ message: 'a resolver failed', failure: 'UNAVAILABLE', err }]);
});
