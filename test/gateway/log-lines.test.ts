import { fieldsOf, LateLog, LogLines } from '../../src/gateway/log-lines';
import { createLogger } from '../../src/gateway/logging';

function logAt(level: string) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ level, destination: { write: (line: string) => void lines.push(line) } }) };
}

const untimed = (line: string | undefined) => line?.replace(/"time":"\d{4}-\d\d-\d\dT[\d:.]{12}Z"/, '"time":""');

describe('lines of known fields', () => {
  test('are byte for byte what the log itself would write', () => {
    const { lines, logger } = logAt('debug');
    const own = logger.child({}, { redact: [] });
    const all = [
      { reqId: 'req-1', method: 'POST', route: '/graphql', status: 200, durationMs: 1.5, roles: ['A', 'B'], codes: [] },
      { principal: 'O\'Hara "the\\other" — \n\u2028\ud83d\ude00', client: undefined, purpose: '', withheld: 0 },
      {},
    ];
    for (const fields of all) {
      own.info(fields, 'request');
      new LogLines(logger).write('info', fieldsOf(fields), 'request');
      const [expected, written] = lines.splice(0).map(untimed);
      expect(written).toBe(expected);
      expect(expected).toContain('"time":""');
    }
    new LogLines(logger).write('debug', '', 'probe');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 20, msg: 'probe', pid: process.pid });
  });

  test('are left out below the log’s level', () => {
    const { lines, logger } = logAt('warn');
    new LogLines(logger).write('info', fieldsOf({ status: 200 }), 'request');
    expect(lines).toEqual([]);
  });
});

test("a request's own log is the same as before, once it is used", () => {
  const { lines, logger } = logAt('info');
  const log = new LateLog(logger, { reqId: 'req-7' });
  log.debug('no');
  log.error({ token: 'secret', err: new Error('about Mara') }, 'failed');
  log.child({ part: 'x' }).warn('odd');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ level: 50, reqId: 'req-7', msg: 'failed' }),
    expect.objectContaining({ level: 40, reqId: 'req-7', part: 'x', msg: 'odd' }),
  ]);
  expect(lines.join('')).not.toMatch(/secret|Mara/);
  log.level = 'silent';
  log.fatal('no');
  expect([log.level, logger.level, lines.length]).toEqual(['silent', 'info', 2]);
});
