import { retrying } from '../../src/storage/retries';

const conflict = () => Object.assign(new Error('conflict'), { driverError: { errno: 1213 } });
const away = () => Object.assign(new Error('away'), { code: 'ECONNRESET' });
const always = () => true;

/** Fails with each of the errors in turn, then succeeds. */
function failing(errors: readonly Error[]) {
  const repetitions: number[] = [];
  const attempt = async (repetition: number) => {
    repetitions.push(repetition);
    const error = errors[repetitions.length - 1];
    if (error) throw error;
    return 'done';
  };
  return { attempt, repetitions };
}

test('a conflict is repeated until it is won', async () => {
  const { attempt, repetitions } = failing(Array.from({ length: 8 }, conflict));
  expect(await retrying(attempt, always)).toBe('done');
  expect(repetitions).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a conflict that does not end is told after about two seconds', async () => {
  const { attempt, repetitions } = failing(Array.from({ length: 1_000 }, conflict));
  await expect(retrying(attempt, always)).rejects.toThrow('conflict');
  expect(repetitions.length).toBeGreaterThan(8);
  expect(repetitions.length).toBeLessThan(200);
});

test('a database that is away is asked twice more', async () => {
  const { attempt, repetitions } = failing([away(), away()]);
  expect(await retrying(attempt, always)).toBe('done');
  const longer = failing([away(), away(), away()]);
  await expect(retrying(longer.attempt, always)).rejects.toThrow('away');
  expect([repetitions.length, longer.repetitions.length]).toEqual([3, 3]);
});

test('what may have been done is not repeated, and neither is any other error', async () => {
  for (const error of [away(), new Error('another')]) {
    const { attempt, repetitions } = failing([error]);
    await expect(retrying(attempt, () => false)).rejects.toBe(error);
    expect(repetitions).toEqual([0]);
  }
});
