import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const bench = resolve('test/bench');
/** As little as a run can do. What it measures says nothing. */
const tiny = { BENCH_CUSTOMERS: '60', BENCH_ROUNDS: '1', BENCH_SECONDS: '0.5', BENCH_WARM_UP: '0.2' };

const folder = mkdtempSync(join(tmpdir(), 'remit-check-'));
const kept = join(folder, 'bench.json');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const check = (env: NodeJS.ProcessEnv): Promise<Ended> =>
  run(process.execPath, [join(bench, 'dist/run.js'), 'check'], {
    env: { ...process.env, NODE_OPTIONS: '', ...tiny, BENCH_JSON: kept, ...env },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error) => error as Ended,
  );

test('npm run bench -- check compares two builds, or with a stored result, and fails on a loss', async () => {
  const npm = (...words: string[]) => run('npm', ['--prefix', bench, ...words]);
  // Not `npm run bench`, which builds what other tests are running.
  await npm('ci', '--no-audit', '--no-fund', '--loglevel', 'error', '--prefer-offline');
  await npm('run', '--silent', 'build');

  const alone = await check({});
  expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('BENCH_OTHER') });

  const beside = await check({ BENCH_OTHER: resolve('.'), BENCH_LOSS: '99' });
  expect(beside).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing is more than 99 % slower') });
  expect(beside.stdout.match(/ connections \(median of 1 rounds\)/g)).toHaveLength(4);

  // As if the earlier commit had been a thousand times as fast.
  const results = JSON.parse(readFileSync(kept, 'utf8'));
  for (const of of Object.values<{ median: number }>(results.check.floor)) of.median *= 1_000;
  writeFileSync(kept, JSON.stringify(results));
  const after = await check({ BENCH_STORED: kept });
  expect(after).toMatchObject({ code: 1, stdout: expect.stringContaining('LOST: one customer by id') });

  results.check.machine = 'another machine';
  writeFileSync(kept, JSON.stringify(results));
  expect(await check({ BENCH_STORED: kept })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('another machine'),
  });
}, 600_000);
