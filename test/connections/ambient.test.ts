import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ambient } from '../../src/connections/ambient';

test('all that runs within a call has its value, until what it returns is settled', async () => {
  const ambient = new Ambient<number>();
  const read = async () => {
    await sleep(1);
    return ambient.get();
  };
  expect(await Promise.all([ambient.run(1, read), read(), ambient.run(2, () => ambient.run(3, read))])).toEqual([
    1,
    undefined,
    3,
  ]);
  expect(ambient.run(4, () => ambient.get())).toBe(4);
  const fails = async () => {
    await sleep(1);
    throw new Error(String(ambient.get()));
  };
  await expect(ambient.run(5, fails)).rejects.toThrow('5');
  const throws = () => {
    throw new Error(String(ambient.get()));
  };
  expect(() => ambient.run(6, throws)).toThrow('6');
  expect(ambient.get()).toBeUndefined();
});

test('Node follows promises only while somebody is within a call', async () => {
  const ambient = new Ambient<number>();
  const left = jest.spyOn(AsyncLocalStorage.prototype, 'disable');
  const longer = ambient.run(1, () => sleep(50));
  await ambient.run(2, () => sleep(1));
  expect(left).not.toHaveBeenCalled();
  await longer;
  expect(left).toHaveBeenCalledTimes(1);
});
